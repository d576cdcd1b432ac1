from itertools import pairwise

import numpy as np
import pytest
from scipy.special import log_softmax

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.question_arrays import QuestionReader


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
    model = ChoiceModel(ForestSettings(trees=10))
    model.fit(trained, gold[:120], 0)
    return model, model.read(questions)[1]


def test_the_blend_is_of_all_members_in_logs(fitted):
    """log p = .35 free logit + .40 bound logit + .15 single texts + .30 trees, each a softmax."""
    model, columns = fitted
    free, bound, texts = model._linear(columns)
    [trees] = model._tree_logs(columns)
    start = columns.questions.start
    found = model.predict(columns)
    for first, end in pairwise(start):
        own = slice(first, end)
        logs = sum(
            weight * np.log(np.exp(log_softmax(utility[own])) + 1e-3)
            for weight, utility in zip(
                (0.35, 0.4, 0.15, 0.3), (free, bound, texts, trees), strict=True
            )
        )
        np.testing.assert_allclose(found[own], np.exp(log_softmax(logs)))


def test_every_member_moves_the_blend(fitted):
    model, columns = fitted
    members = [model._linear(columns), model._tree_logs(columns)]
    whole = model._blend(columns.questions, members)
    for group, part in ((0, 0), (0, 1), (0, 2), (1, 0)):
        changed = [list(utilities) for utilities in members]
        changed[group][part] = np.zeros_like(changed[group][part])
        assert np.abs(model._blend(columns.questions, changed) - whole).max() > 0.01


def test_a_tree_says_the_share_of_right_options_in_the_leaf(fitted):
    model, columns = fitted
    seen = model._tree_columns(columns)
    shares = np.mean([t.value[t.apply(seen), 0, 0] for t in model._trees], axis=0)
    np.testing.assert_allclose(model._tree_logs(columns)[0], np.log(shares + 1e-3))
    assert len(model._trees) == 10
