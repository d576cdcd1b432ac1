import numpy as np
import pytest

from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.forest.models.number_model import NumberModel, candidates
from tst.diagnostics.forest.settings import ForestSettings


@pytest.mark.parametrize("rules", [ScoringRules(), ScoringRules(mra_inclusive=True)])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_candidate_is_as_good_as_the_best_number(seed, rules):
    golds = np.random.default_rng(seed).choice([1.0, 2.0, 3.0, 5.5, 8.0, 20.0], size=12)
    grid = candidates(golds)
    reached = rules.score_numbers(grid[None, :], golds[:, None]).mean(axis=0).max()
    best = np.array(rules.best_number(golds))
    assert reached == pytest.approx(rules.score_numbers(best, golds).mean())


def test_many_golds_have_few_candidates():
    assert len(candidates(np.random.default_rng(0).random(5000))) < 400


def test_training_answers_weigh_by_the_share_of_the_leaf_that_they_are():
    """In a leaf of k answers each weighs 1/k, so that every tree weighs the same."""
    rng = np.random.default_rng(2)
    columns = rng.random((200, 4)).astype(np.float32)
    columns[:, 0] = rng.exponential(size=200)  # leaves of unequal size
    answers = np.round(1 + 5 * columns[:, 0] + rng.random(200), 1).astype(float)
    model = NumberModel(ForestSettings(trees=7), DEFAULT_RULES)
    forest = model._grow(columns, answers, 0)
    weights = np.zeros((len(columns), len(answers)))
    for tree in forest.trees:
        leaf = tree.apply(columns)
        together = leaf[:, None] == leaf[None, :]
        weights += together / together.sum(axis=1, keepdims=True)
    expected = weights @ DEFAULT_RULES.score_numbers(forest.grid[None, :], answers[:, None])
    best = forest.grid[expected.argmax(axis=1)]
    rows = np.arange(len(columns))
    reached = expected[rows, np.searchsorted(forest.grid, forest.predict(columns))]
    np.testing.assert_allclose(reached, expected.max(axis=1), rtol=1e-5)
    assert np.mean(forest.predict(columns) == best) > 0.95  # the others tie
    own = DEFAULT_RULES.score_numbers(forest.grid[None, :], answers[:, None])
    sizes = []
    for tree, scores in zip(forest.trees, forest.by_leaf, strict=True):
        leaf = tree.apply(columns)
        for node in np.unique(leaf):
            sizes.append((leaf == node).sum())
            np.testing.assert_allclose(scores[node], own[leaf == node].mean(axis=0), rtol=1e-5)
    assert min(sizes) >= 10
    assert max(sizes) > 2 * min(sizes)


def test_the_number_of_the_highest_expected_score_is_predicted_not_the_mean():
    """Answers 1 (six times) and 10 (four times): near 1 scores 0.6, their mean 4.6 nothing."""
    columns = np.zeros((10, 1), dtype=np.float32)
    answers = np.array([1.0] * 6 + [10.0] * 4)
    forest = NumberModel(ForestSettings(trees=3), DEFAULT_RULES)._grow(columns, answers, 0)
    assert forest.predict(columns[:1])[0] == pytest.approx(1.0, abs=0.05)
