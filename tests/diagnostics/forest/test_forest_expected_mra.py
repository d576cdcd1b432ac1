import numpy as np
import pytest

from tst.diagnostics.forest.expected_mra import best_number, candidates, mra
from tst.diagnostics.forest.number import best_constant
from tst.metrics import mean_relative_accuracy


@pytest.mark.parametrize("seed", range(5))
def test_best_number_against_brute_force(seed):
    rng = np.random.default_rng(seed)
    golds = rng.choice([1.0, 2.0, 3.0, 5.5, 8.0, 20.0], size=12)
    weights = rng.random((1, 12))
    fine = np.linspace(0.2, 30.0, 60_000)
    brute = (weights @ mra(fine[None, :], golds[:, None])).max()
    found = best_number(weights, golds)
    reached = (weights @ mra(found[None, :], golds[:, None])).max()
    assert reached == pytest.approx(brute, rel=0.02)
    assert reached >= brute * 0.999


def test_mra_is_the_metric_that_is_scored():
    rng = np.random.default_rng(0)
    gold = np.concatenate([rng.normal(size=300), np.zeros(20), np.arange(1.0, 41.0)])
    prediction = gold * rng.choice([0.5, 0.65, 0.7, 0.95, 1.0, 1.2, 1.35], size=len(gold))
    assert np.allclose(mra(prediction, gold), mean_relative_accuracy(prediction, gold))


def test_constants_and_many_golds():
    assert best_constant(np.array([2.0, 2.0, 2.0, 9.0])) == pytest.approx(2.0, rel=0.05)
    assert best_constant(np.zeros(3)) == 0.0
    assert best_constant(np.array([-4.0, -4.0])) == pytest.approx(-4.0, rel=0.05)
    assert len(candidates(np.random.default_rng(0).random(5000))) < 400
