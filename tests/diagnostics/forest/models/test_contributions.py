"""What shortcuts add: exact for linear models and trees, named for every feature that is made."""

import numpy as np
import pytest

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.contributions import SHORTCUTS, of_trees
from tst.diagnostics.forest.models.extra_trees import grow_trees, mean_prediction
from tst.diagnostics.forest.reasons import chosen_options
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.shortcuts import (
    CHOICES,
    NUMBERS,
    OWN_FEATURE,
    all_shortcuts,
    leading_shortcut,
    shortcut_of,
)
from tst.diagnostics.forest.text.question_reader import QuestionReader


@pytest.fixture(scope="module")
def fitted():
    frame = build_table("planted", plant_rows(480, 5)).frame
    frame = frame[frame["format"] == "mc"].reset_index(drop=True)
    frame["unit"] = frame["id"]
    gold = frame.pop("answer").to_numpy(dtype=np.int64)
    reader, half = QuestionReader([]), len(frame) * 3 // 4
    trained = reader.read(frame.iloc[:half], np.arange(half), [])
    model = ChoiceModel(ForestSettings(trees=12))
    model.fit(trained, gold[:half], 0)
    rest = frame.iloc[half:]
    questions = reader.read(rest, np.arange(len(rest)), [], trained)
    return model, model.read(questions)[1], rest["question_type"].to_numpy()


def test_the_most_specific_entry_names_a_feature():
    assert shortcut_of("option.text_lift", CHOICES) == "option_text"
    assert shortcut_of("option.set_rank_lift", CHOICES) == "option_set"
    assert shortcut_of("comparisons.pair_odds", CHOICES) == "comparison"
    assert shortcut_of("entities.first_mean", NUMBERS) == "entity"
    assert shortcut_of("cups.looks_lift", CHOICES) == OWN_FEATURE
    assert len(all_shortcuts()) == len(set(all_shortcuts()))


def test_every_feature_of_the_project_has_a_shortcut(fitted):
    _, inputs, _ = fitted
    for block in inputs.blocks:
        assert OWN_FEATURE not in {shortcut_of(name, CHOICES) for name in block.names}


def test_a_members_contributions_add_up_to_how_far_one_option_is_ahead(fitted):
    model, inputs, _ = fitted
    questions = inputs.questions
    rows, others = questions.start[:-1], questions.start[:-1] + 1
    for place, name in enumerate(model.columns):
        member = model._committee[0][place]
        utility = member.utilities(inputs)
        mine, theirs = (member.contributions(inputs, r).sum(axis=1) for r in (rows, others))
        ahead = utility[rows] - utility[others]
        if name == "trees":  # splits by the kind of question are nobody's
            assert np.corrcoef(mine - theirs, ahead)[0, 1] > 0.95
        else:
            np.testing.assert_allclose(mine - theirs, ahead, atol=1e-5, err_msg=name)


def test_changes_along_the_paths_of_trees_add_up_to_their_prediction():
    rng = np.random.default_rng(0)
    columns = rng.random((150, 5)).astype(np.float32)
    targets = columns[:, 2] + 0.1 * rng.random(150)
    trees = grow_trees(columns, targets, trees=4, leaf=5, max_features=0.6, seed=0, n_jobs=1)
    added = of_trees(trees, columns)
    np.testing.assert_allclose(added.sum(1) + targets.mean(), mean_prediction(trees, columns))
    assert np.abs(added).sum(0).argmax() == 2


def test_the_likeliest_and_the_second_likeliest_option(fitted):
    _, inputs, _ = fitted
    questions = inputs.questions
    probability = questions.softmax(np.round(np.random.default_rng(1).random(questions.start[-1])))
    first, second = chosen_options(questions, probability)
    for place, (start, end) in enumerate(zip(questions.start, questions.start[1:], strict=False)):
        own = probability[start:end]
        assert first[place] == start + own.argmax()
        others = np.delete(np.arange(start, end), first[place] - start)
        assert second[place] == others[probability[others].argmax()]


def test_planted_cues_are_what_puts_options_ahead(fitted):
    model, inputs, kinds = fitted
    rows, others = chosen_options(inputs.questions, model.predict(inputs, model.judge(inputs)))
    added = model.contributions(inputs, rows, others)
    assert added.shape == (len(kinds), len(SHORTCUTS))
    for kind, shortcut in (
        ("mc_position", "position"), ("mc_entity", "option_text"), ("mc_length", "length"),
        ("mc_pair", "pair"),
    ):  # fmt: skip
        mean = added[kinds == kind].mean(axis=0)
        assert leading_shortcut(dict(zip(SHORTCUTS, mean.tolist(), strict=True))) == shortcut


def test_the_simplest_shortcut_that_adds_nearly_as_much_leads():
    assert leading_shortcut({"option_text": 1.0, "length": 0.6, "position": 0.4}) == "length"
    assert leading_shortcut({"option_text": 1.0, "length": 0.4}) == "option_text"
    assert leading_shortcut({"pair": -1.0}) is None
    assert leading_shortcut({}) is None
