from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tst.core.diagnostic import Diagnostic, Predictions
from tst.prune import COMMAND
from tst.pruning.settings import PruneConfig


class PriorDiagnostic(Diagnostic):
    """Answers with what was frequent at an option position, and with the median number."""

    def __init__(self, die_after: int | None = None) -> None:
        self.fits = 0
        self.die_after = die_after

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        self.fits += 1
        if self.die_after is not None and self.fits > self.die_after:
            raise KeyboardInterrupt
        predictions = Predictions.empty(len(heldout))
        noise = np.random.default_rng(seed)
        for row, (kind, name, options) in enumerate(
            zip(heldout["format"], heldout["question_type"], heldout["options"], strict=True)
        ):
            same = train[(train["format"] == kind) & (train["question_type"] == name)]
            if kind == "mc":
                counts = np.bincount(same["answer"].astype(int), minlength=len(options))
                p = counts[: len(options)] + 1 + 0.01 * noise.random(len(options))
                predictions.p_options[row] = p / p.sum()
            elif kind == "num":
                predictions.value[row] = same["answer"].astype(float).median()
            else:
                predictions.text[row] = same["answer"].iloc[0][0] if len(same) else None
        return predictions


def quick_pruning(root: Path, *overrides: str) -> PruneConfig:
    quick = ["diagnostic=rf", "diagnostic.inner_folds=2", "n_jobs=1", f"outputs_root={root}",
             "fold.k=3", "fold.repeats=2", "prune.types=all"]  # fmt: skip
    if not any(word.startswith("benchmark=") for word in overrides):
        quick.append("benchmark.n=48")
    return COMMAND.compose([*quick, *overrides])


@pytest.fixture
def prune_config(tmp_path: Path) -> Callable[..., PruneConfig]:
    return partial(quick_pruning, tmp_path)


@pytest.fixture
def without_figures(monkeypatch) -> None:
    """Figures take longer than all the rest of a small pruning."""
    monkeypatch.setattr("tst.pruning.run.write_figures", lambda *given: None)


@pytest.fixture
def prior(monkeypatch, without_figures) -> PriorDiagnostic:
    """Takes the place of every diagnostic that a pruning builds."""
    diagnostic = PriorDiagnostic()
    monkeypatch.setattr("tst.pruning.diagnosis.build_diagnostic", lambda config, store: diagnostic)
    return diagnostic
