"""Inner validation: when a fold's training ends, and how sure its model may be.

A share of each fold's training questions is held back. At the end of every epoch they are answered,
a calibration is fitted and the mean log-likelihood under it decides; the weights of the best epoch
are kept. Nothing is read from the device between two epochs' ends.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions
from tst.diagnostics.llm.scoring.calibration import (
    Evidence,
    calibrate,
    expected_log_likelihoods,
    pad_choices,
)
from tst.diagnostics.llm.scoring.number_candidates import NumberCandidates

log = logging.getLogger(__name__)

FEW = 50
"""Validation questions below which the epochs stay as set."""

Scored = list[dict[str, dict[int, np.ndarray]]]
"""For each fold and format, scores of the choices by the question's position."""


@dataclass
class ValidationTask:
    """Questions held back from a fold's training.

    asked: their prompts
    priors, goals: float arrays (choices,) per question, what counting gives and where the answer
        lies; empty for questions without choices
    targets: target token ids of questions without choices; else empty
    numbers: candidates of num questions
    """

    asked: EncodedQuestions
    priors: list[np.ndarray]
    goals: list[np.ndarray]
    targets: list[list[int]]
    numbers: NumberCandidates = field(default_factory=NumberCandidates)

    def texts(self) -> list[list[int]]:
        """Token ids of every text that is read whole."""
        pairs = zip(self.asked.prompts, self.targets, strict=True)
        known = [prompt.ids + target[:-1] for prompt, target in pairs if target]
        return known + self.asked.texts(("mc", "num"))


@dataclass
class Validated:
    """How a fold's training ended.

    epoch: the epoch whose weights were kept, from 1
    log_likelihoods: mean over validation questions at each epoch's end
    evidence: scores of the validation questions at that epoch, to calibrate with
    """

    epoch: int = 0
    log_likelihoods: list[float] = field(default_factory=list)
    evidence: Evidence = field(default_factory=dict)


ReadValidation = Callable[
    [Any, list[ValidationTask], torch.Tensor | None], tuple[Scored, list[np.ndarray]]
]
"""Model, the folds' tasks and trained heads -> what ``EpochSelection`` reads."""


def validation_rows(train: pd.DataFrame, share: float, seed: int, part: int = 0) -> np.ndarray:
    """bool array (n,): the questions to hold back, whole units, evenly over question types.

    part: which share of the training questions; the first 1 / share of them do not overlap
    ``train`` has ``unit`` where folds keep groups whole. At least one question stays on each side;
    none is held back where there are too few units.
    """
    n = len(train)
    units = train["unit"].astype(str) if "unit" in train else train.index.astype(str).to_series()
    names, unit_of = np.unique(units.to_numpy(dtype=str), return_inverse=True)
    wanted = round(share * n)
    held = np.zeros(n, dtype=bool)
    if wanted < 1 or len(names) < 2:
        return held
    draws = np.array([_draw(seed, name) for name in names], dtype=np.uint64)
    first = np.unique(unit_of, return_index=True)[1]
    types = train["question_type"].astype(str).to_numpy()[first]
    # sorted by type and at random within: every 1 / share-th is a share of each type
    order = np.lexsort((draws, types))
    passed = np.floor((np.arange(-1, len(order)) + part + 0.5) * share + 0.5)
    chosen = order[np.flatnonzero(np.diff(passed) > 0)]
    held[np.isin(unit_of, chosen)] = True
    return held if not held.all() else np.zeros(n, dtype=bool)


def _draw(seed: int, name: str) -> int:
    digest = hashlib.blake2b(f"{seed}:validation:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


AVERAGED = 0.25
"""Share of an epoch over which weights are averaged (exponentially) before they are validated: at a
high learning rate the average is what a lower rate would have reached, so that an early epoch can
be the best one."""


class EpochSelection:
    """Keeps each fold's weights, averaged over recent steps, at the end of its best epoch.

    tasks: of each fold; all have a validation set
    ends: the optimizer steps after which each fold's epochs end
    weights: tensors (folds, ...), the live weights; written to in place
    read: scores of the folds' validation questions under the live weights, and the mean
        log-likelihood of each question's target tokens (NaN where it has choices)
    """

    def __init__(
        self,
        tasks: Sequence[ValidationTask],
        ends: Sequence[Sequence[int]],
        weights: list[torch.Tensor],
        read: Callable[[], tuple[Scored, list[np.ndarray]]],
    ) -> None:
        self.tasks, self.ends, self.weights, self.read = tasks, ends, weights, read
        self.results = [Validated() for _ in tasks]
        self._pending: set[int] = set()
        self._averaged = [w.detach().clone() for w in weights]
        rates = [min(1.0, 1.0 / (AVERAGED * e[0])) if AVERAGED else 1.0 for e in ends]
        self._rates = [
            torch.tensor(rates, device=w.device).view(-1, *[1] * (w.dim() - 1)) for w in weights
        ]
        self._ended = [w.detach().clone() for w in weights]
        self._best = [w.detach().clone() for w in weights]

    def after_step(self, taken: int) -> None:
        """Note the folds that end an epoch with this step (counted from 1)."""
        for averaged, live, rate in zip(self._averaged, self.weights, self._rates, strict=True):
            averaged.lerp_(live, rate if taken > 1 else torch.ones_like(rate))
        finished = {j for j, ends in enumerate(self.ends) if taken in ends}
        if finished & self._pending:
            self._validate()
        for j in finished:
            for kept, averaged in zip(self._ended, self._averaged, strict=True):
                kept[j].copy_(averaged[j])
        self._pending |= finished
        if self._pending and all(
            j in self._pending or ends[-1] <= taken for j, ends in enumerate(self.ends)
        ):
            self._validate()

    def finish(self) -> list[Validated]:
        """Put the best weights in place, and say how each fold ended."""
        if self._pending:
            self._validate()
        for best, live in zip(self._best, self.weights, strict=True):
            live.copy_(best)
        for result in self.results:
            values = np.round(result.log_likelihoods, 4).tolist()
            log.info("epoch %d of %d: log-likelihoods %s", result.epoch, len(values), values)
        return self.results

    def _validate(self) -> None:
        with self._at_epoch_end():
            scored, tokens = self.read()
        for j in sorted(self._pending):
            task, result = self.tasks[j], self.results[j]
            evidence = _evidence(task, scored[j])
            value = _mean_log_likelihood(evidence, tokens[j])
            seen = result.log_likelihoods
            better = not seen or len(task.asked) < FEW or value > max(seen)
            seen.append(value)
            if better:
                result.epoch, result.evidence = len(seen), evidence
                for best, ended in zip(self._best, self._ended, strict=True):
                    best[j].copy_(ended[j])
        self._pending.clear()

    @contextmanager
    def _at_epoch_end(self) -> Iterator[None]:
        """The weights as they were when each fold's epoch ended."""
        live = [w.detach().clone() for w in self.weights]
        for weight, ended in zip(self.weights, self._ended, strict=True):
            weight.copy_(ended)
        try:
            yield
        finally:
            for weight, before in zip(self.weights, live, strict=True):
                weight.copy_(before)


class ValidateEpochs(TrainerCallback):
    """Tells a selection of every optimizer step that was taken."""

    def __init__(self, selection: EpochSelection) -> None:
        self.selection = selection

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """The weights are those after step ``state.global_step``."""
        self.selection.after_step(state.global_step)


def _evidence(task: ValidationTask, scored: dict[str, dict[int, np.ndarray]]) -> Evidence:
    """The scores of a task's questions, beside what counting gives and where the answers lie."""
    evidence: Evidence = {}
    for kind, by_question in scored.items():
        rows = sorted(by_question)
        if rows:
            evidence[kind] = pad_choices(
                [by_question[i] for i in rows],
                [task.priors[i] for i in rows],
                [task.goals[i] for i in rows],
            )
    return evidence


def _mean_log_likelihood(evidence: Evidence, tokens: np.ndarray) -> float:
    """Of all validation questions, calibrated on themselves; NaN where there are none."""
    by_choice = expected_log_likelihoods(evidence, *calibrate([evidence]))
    found = np.concatenate([tokens[np.isfinite(tokens)], by_choice])
    return float(found.mean()) if len(found) else float("nan")
