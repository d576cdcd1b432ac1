"""How the members of the stack enter a prediction, by hand."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.members import member_columns
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.question_reader import QuestionReader

WEIGHTS = {
    "encodings.free": 0.2, "encodings.positive": 0.25, "surface.free": 0.05, "words.light": 0.15,
    "pieces.light": 0.1, "pieces.strong": 0.1, "trees": 0.2, "boosted": 0.15, "nearest": 0.05,
    "prior": 0.05,
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    """A model of 120 planted mc questions, and what it sees of 30 others."""
    frame = build_table("planted", plant_rows(240, 5)).frame
    frame = frame[frame["format"] == "mc"].reset_index(drop=True)
    frame["unit"] = frame["id"]
    gold = frame.pop("answer").to_numpy(dtype=np.int64)
    parts = frame.iloc[:120], frame.iloc[120:150]
    reader = QuestionReader([])
    trained = reader.read(parts[0], np.arange(120), [])
    questions = reader.read(parts[1], np.arange(30), [], trained)
    model = ChoiceModel(ForestSettings(trees=12))
    model.fit(trained, gold[:120], 0)
    return model, model.read(questions)[1]


def test_every_member_has_its_default_weight():
    columns = member_columns(ForestSettings(), ["a.x", "b.y_count"], 1, 10, 1)
    assert {name: weight for name, (weight, _) in columns.items()} == WEIGHTS


def test_a_prediction_is_the_weighted_sum_of_all_members_logs(fitted):
    """log p = sum of weight x mean over rounds of log p_member, with a share of the prior."""
    model, inputs = fitted
    questions = inputs.questions
    assert model.columns == list(WEIGHTS)
    assert all(len(members) == len(WEIGHTS) for members in model._committee)
    utilities = [[member.utilities(inputs) for member in members] for members in model._committee]
    weights = model.stack.weights(questions)
    assert weights.sum() > 0
    found = model.predict(inputs, model.judge(inputs))
    for number, (first, end) in enumerate(pairwise(questions.start)):
        own = slice(first, end)
        logs, prior = np.zeros(end - first), np.zeros(end - first)
        for members in utilities:
            for weight, member in zip(weights[number], members, strict=True):
                share = np.exp(log_softmax(member[own])) + 1e-3
                logs += weight * np.log(share) / len(utilities)
            prior += softmax(members[-1][own]) / len(utilities)
        expected = (1 - model.stack.share) * softmax(logs) + model.stack.share * prior
        np.testing.assert_allclose(found[own], expected)


def test_the_trees_say_the_share_of_right_options_in_their_leaves(fitted):
    model, inputs = fitted
    place = model.columns.index("trees")
    for members in model._committee:
        trees = members[place]
        seen = trees._columns(inputs)
        shares = [tree.value[tree.apply(seen), 0, 0] for tree in trees._trees]
        np.testing.assert_allclose(trees.utilities(inputs), np.log(np.mean(shares, 0) + 1e-3))
    grown = sum(len(members[place]._trees) for members in model._committee)
    assert 12 <= grown < 12 + len(model._committee)


@pytest.mark.parametrize("max_rows", [20_000, 60])
def test_no_member_of_a_round_knows_the_answers_of_the_fold_that_it_leaves_out(max_rows):
    """What weights are fitted on: predictions by models that did not see these answers."""
    frame = build_table("planted", plant_rows(200, 5)).frame
    frame = frame[frame["format"] == "mc"].reset_index(drop=True)
    frame["unit"] = frame["id"]
    gold = frame.pop("answer").to_numpy(dtype=np.int64)
    questions = QuestionReader([]).read(frame, np.arange(len(frame)), [])
    fold = np.arange(len(frame)) % 4
    settings = ForestSettings(trees=12, inner_folds=4, max_rows=max_rows)
    one = ChoiceModel(settings)
    one.fit(questions, gold, 0, fold)
    assert len(one._committee) == 4  # every inner fold is left out in turn
    for left_out, members in enumerate(one._committee):
        changed = np.where(fold == left_out, (gold + 1) % questions.n_options, gold)
        other = ChoiceModel(settings)
        other.fit(questions, changed, 0, fold)
        seen = []
        for model in (one, other):
            inputs = model._encoder.of_training(left_out)
            outside = inputs.take(model._encoder.fold == left_out)
            seen.append([m.utilities(outside) for m in model._committee[left_out]])
        for name, mine, theirs in zip(one.columns, *seen, strict=True):
            assert np.array_equal(mine, theirs), name
        assert len(seen[0]) == len(members) == len(WEIGHTS)
        # the other rounds see these answers, so that the comparison above can fail
        again = (left_out + 1) % 4
        inputs = [model._encoder.of_training(again) for model in (one, other)]
        moved = [
            m.utilities(i) for m, i in zip(
                (one._committee[again][0], other._committee[again][0]), inputs, strict=True
            )
        ]  # fmt: skip
        assert not np.array_equal(*moved)
