import numpy as np
import pandas as pd

from tests.scoring.hand_table import hand_plan, hand_table
from tst.core.diagnostic import Diagnostic, Predictions, add_costs
from tst.core.folds import fold_seed


class Counting(Diagnostic):
    def __init__(self):
        self.seen = []

    def fit_predict(self, train, heldout, seed):
        self.seen.append((list(train.index), list(heldout.index), seed))
        return Predictions.empty(len(heldout))


def test_a_diagnostic_is_asked_for_the_given_folds_one_by_one():
    diagnostic, plan = Counting(), hand_plan(repeats=2)
    runs = diagnostic.run_folds(hand_table(), plan, [(1, 0), (0, 1)], 7)
    fold, predictions = next(runs)
    assert fold == (1, 0)
    assert len(diagnostic.seen) == 1  # the next fold is run when it is asked for
    assert len(predictions.value) == 10
    assert [fold for fold, _ in runs] == [(0, 1)]
    for (repeat, fold), (train, heldout, seed) in zip(
        [(1, 0), (0, 1)], diagnostic.seen, strict=True
    ):
        assert heldout == np.flatnonzero(plan.assignment[repeat] == fold).tolist()
        assert sorted(train + heldout) == list(range(18))
        assert seed == fold_seed(7, repeat, fold)
    assert diagnostic.folds_at_once == 1
    assert diagnostic.describe(hand_table(), plan, None) == ""


def test_empty_predictions_say_nothing():
    empty = Predictions.empty(3)
    assert empty.p_options == [None] * 3
    assert np.isnan(empty.value).all()
    assert empty.value.shape == (3,)
    assert empty.text == [None] * 3
    assert empty.cost == {}


def test_costs_add_up_but_for_the_loss():
    cost = {"fit_seconds": 1.0, "train_loss": 3.0}
    add_costs(cost, {"fit_seconds": 2, "train_loss": 2.0, "tokens": np.float64(5)})
    add_costs(cost, pd.Series({"tokens": 6}))
    assert cost == {"fit_seconds": 3.0, "train_loss": 2.0, "tokens": 11.0}
