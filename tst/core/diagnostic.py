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
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

if TYPE_CHECKING:  # settings are read without pandas
    import pandas as pd

    from tst.core.folds import FoldPlan
    from tst.core.scoring_rules import ScoringRules

Fold = tuple[int, int]


@dataclass
class Predictions:
    """What a diagnostic says about the n held-out questions of a fold, in the rows' order.

    Each per-question field is None (not given) or has n entries. mc rows use ``p_options``, num
    rows ``value``, open rows ``text``; entries of other formats are None / NaN.

    p_options: per question a float array (n_options,) that sums to 1, or None
    value: float array (n,), NaN where no number was given
    text: per question the answer text, or None
    text_probabilities: per open question its candidate answers and their probabilities, which sum
        to 1 or less; None: ``text`` is certain
    *_zero_shot: the same from the untrained model (LLM only)
    letter_mass: float array (n,), unrestricted probability of the option letters (LLM only)
    generated: per question the raw generated text, or None (LLM, num and open)
    parsed: bool array (n,), False where no answer could be read (counted, scored 0)
    reasons: per question a list of short sentences: what moved the prediction
    contributions: per question what speaks for the answer given, by the name of a shortcut, the
        strongest first; for options in nats of log-probability ahead of the second likeliest
    permuted: per feature family, the predictions when that family's columns are permuted among
        the held-out questions; the caller, which knows the answers, computes the drop of the score
    cost: seconds by phase and counters, e.g. {"train_seconds": 1.2, "train_tokens": 3400}
    base: what model was used: its weights, quantisation, compute dtype (LLM only)
    history: one row per optimizer step: step, epoch, loss, learning_rate, tokens so far (LLM only)
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
    text_probabilities: list[dict[str, float] | None] | None = None
    reasons: list[list[str]] | None = None
    contributions: list[dict[str, float]] | None = None
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


@dataclass
class DiagnosticSettings:
    """What the settings of every diagnostic begin with; its own dataclass derives from this one.

    name: what records, tables and the command line call it: letters, digits, underscores
    implementation: dotted path of its class, as in ``nearest.Nearest``; empty for one of tst's own
    """

    name: str = ""
    implementation: str = ""

    def predictions_alone(self) -> Self:
        """The same settings without what only explains or keeps: pruning, judges, null tests."""
        return self


@dataclass(frozen=True)
class Context:
    """What a diagnostic is built with, besides its own settings.

    parts: what its class ``reads`` of the config, by dotted path
    rules: how answers are scored
    store: keeps what outlives a fold
    device: auto, cpu, cuda, cuda:1, ...
    n_jobs: processor cores that it may use, at least 1
    """

    parts: Mapping[str, Any]
    rules: ScoringRules
    store: Store
    device: str = "auto"
    n_jobs: int = 1


class Diagnostic(ABC):
    """Trains on k-1 folds of a benchmark's text and predicts the held-out one.

    A subclass declares what it is (the attributes below) and writes ``fit_predict``. One that
    trains several folds at once overrides ``run_folds`` and sets ``folds_at_once``.

    label: what tables, figures and reports call it
    version: raised by hand when the same settings and questions give other predictions; part of a
        record's identity
    settings_type: the dataclass of its settings
    reads: other parts of the config that it reads, as ``config.schema.READABLE`` names them: part
        of a record's identity
    without_effect: settings that change no number, and why: no part of a record's identity
    has_zero_shot: whether its predictions come with those of the untrained model
    planted_questions: what ``benchmark.n=auto`` means for the planted benchmark
    cpu_seconds: CPU seconds per question that one cross-validation takes, roughly; None: not known
    folds_at_once: the most (repeat, fold) pairs that it wants to be handed
    """

    label: ClassVar[str]
    version: ClassVar[int] = 1
    settings_type: ClassVar[type[DiagnosticSettings]]
    reads: ClassVar[tuple[str, ...]] = ()
    without_effect: ClassVar[Mapping[str, str]] = {}
    has_zero_shot: ClassVar[bool] = False
    planted_questions: ClassVar[int] = 600
    cpu_seconds: ClassVar[float | None] = None
    folds_at_once: int = 1

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @classmethod
    def build(cls, settings: Any, context: Context) -> Diagnostic:
        """A diagnostic with these settings, an instance of ``settings_type``."""
        return cls(settings)

    @classmethod
    def resolve(cls, settings: Any, parts: Mapping[str, Any], device: str) -> dict[str, Any]:
        """The ``parts`` in which ``auto`` can change a number, with what it means here."""
        return {}

    def describe(self, table: pd.DataFrame, plan: FoldPlan, only: list[int] | None) -> str:
        """For a dry run: what the folds ``only`` (None: all) would do and take; empty: nothing."""
        return ""

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Predictions for exactly the given (repeat, fold) pairs, each as soon as it is ready."""
        from tst.core.folds import fold_seed, split

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
