"""What every diagnostic is: it gets folds of a question table and gives predictions.

Cross-validation, scoring, pruning and the record know nothing else of a diagnostic; a diagnostic
knows questions and folds, never Hydra, Weights & Biases or files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tst.core.folds import FoldPlan, fold_seed, split

Fold = tuple[int, int]


@dataclass
class Predictions:
    """What a diagnostic says about the n held-out questions of a fold, in the rows' order.

    Each per-question field is None (not given) or has n entries. mc rows use ``p_options``, num
    rows ``value``, open rows ``text``; entries of other formats are None / NaN.

    p_options: per question a float array (n_options,) that sums to 1, or None
    value: float array (n,), NaN where no number was given
    text: per question the answer text, or None
    *_zero_shot: the same from the untrained model (LLM only)
    letter_mass: float array (n,), unrestricted probability of the option letters (LLM only)
    generated: per question the raw generated text, or None (LLM, num and open)
    parsed: bool array (n,), False where no answer could be read (counted, scored 0)
    reasons: per question a list of short sentences: what moved the prediction
    permuted: per feature family, the predictions when that family's columns are permuted among
        the held-out questions; whoever knows the answers computes the drop of the score
    cost: seconds by phase and counters, e.g. {"train_seconds": 1.2, "train_tokens": 3400}
    base: what model was used: its weights, quantisation, compute dtype (LLM only)
    history: one row an optimizer step: step, epoch, loss, learning_rate, tokens so far (LLM only)
    """

    p_options: list[np.ndarray | None]
    value: np.ndarray
    text: list[str | None]
    p_options_zero_shot: list[np.ndarray | None] | None = None
    value_zero_shot: np.ndarray | None = None
    text_zero_shot: list[str | None] | None = None
    letter_mass: np.ndarray | None = None
    letter_mass_zero_shot: np.ndarray | None = None
    generated: list[str | None] | None = None
    generated_zero_shot: list[str | None] | None = None
    parsed: np.ndarray | None = None
    reasons: list[list[str]] | None = None
    permuted: dict[str, Predictions] | None = None
    cost: dict[str, float] = field(default_factory=dict)
    base: str | None = None
    history: pd.DataFrame | None = None

    @classmethod
    def empty(cls, n: int) -> Predictions:
        """n rows with nothing predicted yet, to be filled in."""
        return cls([None] * n, np.full(n, np.nan), [None] * n)


class Store(Protocol):
    """Where a diagnostic keeps what outlives a fold. Safe against concurrent writers."""

    def get(self, kind: str, key: str) -> pd.DataFrame | None:
        """The frame kept under this content key, or None."""

    def put(self, kind: str, key: str, frame: pd.DataFrame) -> None:
        """Keep a frame (columns of plain numbers, strings or lists of them) under a content key."""

    def adapter_folder(
        self, repeat: int, fold: int, part: str = ""
    ) -> AbstractContextManager[Path]:
        """A folder to write a fold's adapter to; it appears in the record when the block ends.

        part: the name of one of several adapters of the fold; the others stay as they are
        """


class Diagnostic(ABC):
    """Trains on k-1 folds of a benchmark's text and predicts the held-out one.

    A subclass writes ``fit_predict``; one that trains several folds at once overrides ``run_folds``
    and declares ``folds_at_once``, the most (repeat, fold) pairs it wants to be handed.
    """

    folds_at_once: int = 1

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Predictions for exactly the given (repeat, fold) pairs, each as soon as it is ready."""
        for repeat, fold in folds:
            train, heldout = split(table, plan, repeat, fold)
            yield (repeat, fold), self.fit_predict(train, heldout, fold_seed(seed, repeat, fold))

    @abstractmethod
    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        """Fit on ``train`` (with ``answer``), predict ``heldout`` (without): ``folds.split``."""


def add_costs(cost: dict[str, float], more: Mapping[str, Any]) -> None:
    """Sum costs by name (mean loss aside, whose last value stays)."""
    for name, value in more.items():
        before = 0.0 if name == "train_loss" else cost.get(name, 0.0)
        cost[name] = before + float(value)
