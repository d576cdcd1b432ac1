"""Weights of records on made answers of which is known who is right."""

import numpy as np
import pytest

from tst.analysis.blending.weights import (
    NumberWeights,
    OptionWeights,
    TextWeights,
    best_by_type,
    simplex,
)
from tst.core.scoring_rules import DEFAULT_RULES


@pytest.mark.parametrize(("k", "size"), [(2, 11), (3, 66)])
def test_weights_of_numbers_are_tenths_that_sum_to_one(k, size):
    grid = simplex(k)
    assert grid.shape == (size, k)
    np.testing.assert_allclose(grid.sum(axis=1), 1.0)
    np.testing.assert_allclose(grid * 10, (grid * 10).round())
    assert len(np.unique(grid.round(6), axis=0)) == size
    assert grid[0].max() - grid[0].min() <= 0.1 + 1e-9, "the most equal comes first"


def test_a_record_that_guesses_gets_little_weight_where_the_other_knows():
    rng = np.random.default_rng(0)
    types = ["first", "second"] * 400
    gold = rng.integers(4, size=800).tolist()
    shares = []
    for kind, answer in zip(types, gold, strict=True):
        knows = np.full(4, 0.1) + 0.6 * (np.arange(4) == answer)
        guesses = rng.dirichlet(np.ones(4))
        both = (knows, guesses) if kind == "first" else (guesses, knows)
        shares.append(np.stack(both, axis=1))
    model = OptionWeights().fit(types, shares, gold)
    assert model.of("first")[0] > model.of("first")[1] + 0.2
    assert model.of("second")[1] > model.of("second")[0] + 0.2
    blended = model.predict(types, shares)
    assert all(p.sum() == pytest.approx(1.0) for p in blended)
    right = [int(p.argmax()) == answer for p, answer in zip(blended, gold, strict=True)]
    alone = [int(s[:, 0].argmax()) == answer for s, answer in zip(shares, gold, strict=True)]
    assert np.mean(right) > 0.88 > np.mean(alone) + 0.2


def test_a_numbers_weights_are_those_that_score_highest_in_its_type():
    rng = np.random.default_rng(1)
    gold = rng.uniform(10, 100, 300)
    types = np.array(["near", "far", "between"] * 100, dtype=object)
    values = np.stack([gold * 1.02, gold * 3.0], axis=1)
    values[types == "far"] = values[types == "far"][:, ::-1]
    values[types == "between"] = np.stack([gold * 0.6, gold * 1.4], axis=1)[types == "between"]
    model = NumberWeights().fit(types, values, gold, DEFAULT_RULES)
    assert model.of("near").tolist() == [1.0, 0.0]
    assert model.of("far").tolist() == [0.0, 1.0]
    np.testing.assert_allclose(model.of("between"), [0.5, 0.5])
    scores = DEFAULT_RULES.score_numbers(model.predict(types, values), gold)
    assert scores.mean() > 0.95


def test_a_type_takes_the_texts_of_the_record_that_scores_highest_in_it():
    types = np.array(["a"] * 50 + ["b"] * 50, dtype=object)
    scores = np.zeros((100, 2))
    scores[:50, 0], scores[50:, 1] = 1.0, 1.0
    model = TextWeights().fit(types, scores)
    assert model.predict(np.array(["a", "b"], dtype=object)).tolist() == [0, 1]
    assert model.of("b").tolist() == [0.0, 1.0]


def test_few_questions_of_a_type_do_not_outweigh_all_others():
    types = np.array(["many"] * 200 + ["few"] * 2, dtype=object)
    scores = np.zeros((202, 2))
    scores[:200, 0] = 1.0
    scores[200:, 1] = 1.0
    assert best_by_type(types, scores) == (0, {"many": 0, "few": 0})
