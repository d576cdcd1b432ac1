import numpy as np
import pytest

from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.forest.models.number_forest import (
    BinScores,
    LeafScores,
    NumberForest,
    candidates,
)


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


def made(seed=2, n=200):
    rng = np.random.default_rng(seed)
    columns = rng.random((n, 4)).astype(np.float32)
    columns[:, 0] = rng.exponential(size=n)  # leaves of unequal size
    answers = np.round(1 + 5 * columns[:, 0] + rng.random(n), 1).astype(float)
    return columns, answers


def test_training_answers_weigh_by_the_share_of_the_leaf_that_they_are():
    """In a leaf of k answers each weighs 1/k, so that every tree weighs the same."""
    columns, answers = made()
    forest = NumberForest(13, 1).fit(columns, answers, DEFAULT_RULES, 0)
    own = DEFAULT_RULES.score_numbers(forest.grid[None, :], answers[:, None])
    for part, fewest in zip(forest.parts, (3, 10), strict=False):
        weights, sizes = np.zeros((len(columns), len(answers))), []
        for tree, scores in zip(part.trees, part.by_leaf, strict=True):
            leaf = tree.apply(columns)
            together = leaf[:, None] == leaf[None, :]
            weights += together / together.sum(axis=1, keepdims=True) / 7
            for node in np.unique(leaf):
                sizes.append((leaf == node).sum())
                np.testing.assert_allclose(scores[node], own[leaf == node].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(part.expected(columns), weights @ own, rtol=1e-4, atol=1e-6)
        assert min(sizes) >= fewest
        assert max(sizes) > 2 * min(sizes)


def test_a_bin_of_answers_scores_what_its_answers_score_in_the_mean():
    columns, answers = made()
    grid = candidates(answers)
    scores = DEFAULT_RULES.score_numbers(grid[None, :], answers[:, None])
    part = BinScores().fit(columns, answers, scores, 0)
    size = len(part.by_bin)
    assert size == 12
    sizes = np.bincount(part._bin)
    assert sizes.min() > 200 / 12 - 6
    for own in range(size):
        np.testing.assert_allclose(part.by_bin[own], scores[part._bin == own].mean(axis=0))
    shares = part._model.predict(columns)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_allclose(part.expected(columns), shares @ part.by_bin)
    assert np.mean(shares.argmax(axis=1) == part._bin) > 0.3, "the bins are told by the columns"


def test_two_forests_and_the_boosted_trees_weigh_the_same():
    columns, answers = made()
    forest = NumberForest(5, 1).fit(columns, answers, DEFAULT_RULES, 0)
    assert [type(part) for part in forest.parts] == [LeafScores, LeafScores, BinScores]
    expected = np.mean([part.expected(columns) for part in forest.parts], axis=0)
    reached = expected[
        np.arange(len(columns)), np.searchsorted(forest.grid, forest.predict(columns))
    ]
    np.testing.assert_allclose(reached, expected.max(axis=1), rtol=1e-5)


@pytest.mark.parametrize("answers", [[4.0], [4.0] * 6, [1.0, 2.0]])
def test_few_or_equal_answers_are_predicted_too(answers):
    answers = np.array(answers)
    columns = np.zeros((len(answers), 2), dtype=np.float32)
    forest = NumberForest(2, 1).fit(columns, answers, DEFAULT_RULES, 0)
    assert 0.5 < forest.predict(columns[:1])[0] < 5


def test_the_number_of_the_highest_expected_score_is_predicted_not_the_mean():
    """Answers 1 (six times) and 10 (four times): near 1 scores 0.6, their mean 4.6 nothing."""
    columns = np.zeros((10, 1), dtype=np.float32)
    answers = np.array([1.0] * 6 + [10.0] * 4)
    forest = NumberForest(3, 1).fit(columns, answers, DEFAULT_RULES, 0)
    assert forest.predict(columns[:1])[0] == pytest.approx(1.0, abs=0.05)
