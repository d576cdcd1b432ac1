"""Predictions of anything else (an API model, vLLM) for the held-out questions of every fold."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.benchmarks.files.reading import read_one
from tst.core.diagnostic import Fold, Predictions
from tst.core.errors import UserError
from tst.core.folds import FoldPlan
from tst.diagnostics.llm.prompting.prompts import clean_text
from tst.external_training.answers import ANSWERS, TEXT, read_choice, read_value, read_whole
from tst.external_training.declaration import PredictionFile
from tst.external_training.trainer_settings import fold_name

log = logging.getLogger("tst")

SHOWN = 3
SMALL_MASS = 0.01
"""Of the option letters: less is unusual for a model that was asked for one."""

Key = tuple[str, int, int]


@dataclass
class Reading:
    """The answers of a file, by (id, repeat, fold).

    problems: what is wrong, in sentences
    absent_letters: (questions, letters) that got a share of the mass left over
    masses: of questions with all letters given, the letters' probability in sum
    """

    answers: dict[Key, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    absent_letters: list[int] = field(default_factory=list)
    masses: list[float] = field(default_factory=list)


def read_predictions(path: Path) -> Reading:
    """All rows of a file: id, repeat (0 where left out), fold, and an answer.

    Raises UserError for a file that cannot be read.
    """
    source = read_one(path)
    reading = Reading()
    nameless, doubled = [], []
    for at, record in enumerate(source.records):
        place = source.place(at)
        try:
            if record["id"] in (None, ""):
                raise ValueError("no id")
            key = (
                str(record["id"]),
                read_whole(record.get("repeat") or 0),
                read_whole(record["fold"]),
            )
        except (KeyError, TypeError, ValueError):
            nameless.append(place)
            continue
        if key in reading.answers:
            doubled.append(f"{key[0]} ({place})")
            continue
        reading.answers[key] = {name: record.get(name) for name in ANSWERS}
    if nameless:
        reading.problems.append(
            f"expected id, fold, and repeat where there are more, in every row; {len(nameless)} "
            f"lack them: {_some(nameless)}."
        )
    if doubled:
        reading.problems.append(
            f"{len(doubled)} rows answer a question of a fold again: {_some(doubled)}."
        )
    return reading


class PredictionScoring(PredictionFile):
    """Hands out what the file says; nothing is trained or asked."""

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Predictions of the given folds; UserError for answers that cannot be read."""
        reading = read_predictions(Path(self.settings.file))
        for fold in folds:
            heldout = table.iloc[plan.heldout_rows(*fold)]
            yield fold, fold_predictions(reading, heldout, fold)


def require_complete(
    path: Path, reading: Reading, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold]
) -> None:
    """Raise one UserError with everything that is wrong with a file of predictions.

    Every held-out question of these folds is answered once, in its own fold, in a readable form;
    how many letters were not given is logged.
    """
    problems = list(reading.problems)
    known = set(table["id"].astype(str))
    strangers = sorted({key[0] for key in reading.answers} - known)
    if strangers:
        problems.append(f"{len(strangers)} ids are of no question: {_some(strangers)}.")
    expected: set[Key] = set()
    for fold in folds:
        heldout = table.iloc[plan.heldout_rows(*fold)]
        asked = [(name, *fold) for name in heldout["id"].astype(str)]
        expected |= set(asked)
        missing = [key[0] for key in asked if key not in reading.answers]
        if missing:
            problems.append(
                f"fold {fold_name(fold)}: {len(missing)} of {len(asked)} held-out questions have "
                f"no answer: {_some(missing)}."
            )
        else:
            try:
                fold_predictions(reading, heldout, fold)
            except UserError as error:
                problems.append(str(error))
    planned = set(plan.folds())
    elsewhere = [
        key
        for key in reading.answers
        if key[0] in known and key not in expected and (key[1:] in folds or key[1:] not in planned)
    ]
    if elsewhere:
        shown = [f"{key[0]} in {fold_name(key[1:])}" for key in sorted(elsewhere)]
        problems.append(
            f"{len(elsewhere)} answers are of questions that this fold does not hold out "
            f"(another plan? folds are numbered from 0): {_some(shown)}."
        )
    if problems:
        raise UserError("\n".join(f"predictions={path}: {problem}" for problem in problems))
    if counts := [n for n in reading.absent_letters if n]:
        log.warning(
            "%d option letters of %d questions have no log-probability; each got an equal share "
            "of the probability left over", sum(counts), len(counts),
        )  # fmt: skip
    if reading.masses and (middle := float(np.median(reading.masses))) < SMALL_MASS:
        log.warning(
            "all letters of a question together have a probability of %.1g (median): are these "
            "log-probabilities, not logits? What they add up to is taken as 1", middle,
        )  # fmt: skip
    reading.absent_letters.clear()
    reading.masses.clear()


def fold_predictions(reading: Reading, heldout: pd.DataFrame, fold: Fold) -> Predictions:
    """What the file says of a fold's held-out questions, in their order."""
    n = len(heldout)
    predictions = Predictions.empty(n)
    predictions.letter_mass = np.full(n, np.nan)
    predictions.parsed = np.ones(n, dtype=bool)
    predictions.generated = [None] * n
    problems, absent = [], 0
    rows = zip(heldout["id"].astype(str), heldout["format"], heldout["options"], strict=True)
    for at, (name, kind, options) in enumerate(rows):
        given = reading.answers[name, *fold]
        try:
            if kind == "mc":
                p, mass, missing = read_choice(given, len(options))
                predictions.p_options[at], predictions.letter_mass[at] = p, mass
                absent += missing
                reading.absent_letters.append(missing)
                if not missing and not math.isnan(mass):
                    reading.masses.append(mass)
            elif kind == "num":
                value = read_value(given)
                predictions.value[at] = value
                predictions.parsed[at] = math.isfinite(value)
            else:
                text = clean_text(str(given[TEXT] if given[TEXT] is not None else ""))
                predictions.text[at] = text
                predictions.parsed[at] = bool(text)
            if given[TEXT] is not None:
                predictions.generated[at] = str(given[TEXT])
        except ValueError as error:
            problems.append(f"{name} ({error})")
    if problems:
        raise UserError(
            f"fold {fold_name(fold)}: {len(problems)} answers cannot be read: {_some(problems)}."
        )
    predictions.cost = {"letters_not_given": float(absent)}
    return predictions


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
