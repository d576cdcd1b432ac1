import numpy as np
import pytest

from tst.core.metrics import best_constant, mean_relative_accuracy
from tst.diagnostics.forest.models.expected_mra import candidates, mra


@pytest.mark.parametrize("seed", range(5))
def test_the_best_candidate_is_as_good_as_the_best_number(seed):
    golds = np.random.default_rng(seed).choice([1.0, 2.0, 3.0, 5.5, 8.0, 20.0], size=12)
    for inclusive in (False, True):
        grid = candidates(golds)
        reached = mra(grid[None, :], golds[:, None], inclusive).mean(axis=0).max()
        best = np.array(best_constant(golds, inclusive))
        assert reached == pytest.approx(mean_relative_accuracy(best, golds, inclusive).mean())


@pytest.mark.parametrize("inclusive", [False, True])
def test_mra_is_the_metric_that_is_scored(inclusive):
    rng = np.random.default_rng(0)
    gold = np.concatenate([rng.normal(size=300), np.zeros(20), np.arange(1.0, 41.0)])
    prediction = gold * rng.choice([0.5, 0.65, 0.7, 0.95, 1.0, 1.2, 1.35, 2.5], size=len(gold))
    expected = mean_relative_accuracy(prediction, gold, inclusive)
    assert np.allclose(mra(prediction, gold, inclusive), expected)


def test_many_golds_have_few_candidates():
    assert len(candidates(np.random.default_rng(0).random(5000))) < 400
