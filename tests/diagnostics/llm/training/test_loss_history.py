"""The loss of every step, by fold: the same stacked as sequential, whatever the micro-batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.diagnostics.llm.conftest import TINY
from tst.core.folds import plan_folds
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.loss_history import mean_history, training_history


def histories(table: pd.DataFrame, **changes: object) -> dict:
    settings = LoraSettings(epochs=2.0, learning_rate=5e-3, dropout=0.0, **changes)
    plan = plan_folds(table, k=3, seed=3)
    diagnostic = LoraLLMDiagnostic(settings, TINY, OptimizerSettings(), None, "cpu")
    folds = diagnostic.run_folds(table, plan, plan.folds(), 3)
    return {at: p.history for at, p in folds}


@pytest.mark.parametrize("changes", [{}, {"micro_batch": 2}, {"per_format": True}])
def test_stacked_histories_equal_sequential_ones(table, changes):
    stacked = histories(table, training="stacked", folds_at_once=3, **changes)
    sequential = histories(table, training="sequential", **changes)
    for at, history in stacked.items():
        pd.testing.assert_frame_equal(history, sequential[at], atol=1e-5)


def test_a_history_says_what_training_did(table):
    for history in histories(table).values():
        assert list(history) == ["step", "epoch", "loss", "learning_rate", "tokens"]
        np.testing.assert_array_equal(history["step"], np.arange(1, len(history) + 1))
        assert history["epoch"].iloc[-1] == 2.0
        assert (history["tokens"].diff().dropna() > 0).all()
        first, last = np.split(history["loss"].to_numpy(), 2)
        assert last.mean() < first.mean(), "of one epoch each"
        assert history["learning_rate"].max() == pytest.approx(5e-3)


def test_the_mean_of_adapters_that_were_trained_alike():
    parts = [
        training_history(np.array(losses), np.full(3, 0.1), tokens, 2.0)
        for losses, tokens in (([3.0, 1.0, 9.0], [4, 5, 6]), ([1.0, 2.0], [2, 2]))
    ]
    mean = mean_history(parts)
    assert mean["loss"].tolist() == [2.0, 1.5] and mean["tokens"].tolist() == [6, 13]
    assert mean["step"].tolist() == [1, 2]
    assert parts[0]["loss"].tolist() == [3.0, 1.0, 9.0]
