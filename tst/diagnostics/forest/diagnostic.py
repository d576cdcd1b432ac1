"""TsT-RF: the fast, interpretable text-only diagnostic."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from tst.core.diagnostic import Diagnostic, Fold, Predictions, add_costs
from tst.core.folds import FoldPlan, fold_seed, split
from tst.core.questions import declared_groups
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.number_model import NumberModel
from tst.diagnostics.forest.reasons import choice_reasons, number_reasons
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.entities import load_featuriser
from tst.diagnostics.forest.text.question_arrays import Sheet, SheetReader
from tst.diagnostics.forest.text.scene_context import SceneContext

FORMATS = ("mc", "num", "open")
"""The dearest first."""

WORTH_PROCESSES = range(1_000, 20_000)
"""Questions of a table for which processes pay: fewer take no time, more would take memory."""


class ForestDiagnostic(Diagnostic):
    """Option-wise forests and conditional logits over nested statistics of training answers.

    features: names of entity featurisers (vsi_bench, cv_bench) or dotted paths to a user's own
    scene_context: also read the text of other questions on the same scene
    mra_inclusive: the score that numbers aim at counts an error equal to a threshold as inside it
    n_jobs: processor cores to use, -1 for all; changes no number
    """

    def __init__(
        self,
        settings: ForestSettings,
        features: list[str],
        scene_context: bool = False,
        mra_inclusive: bool = False,
        n_jobs: int = -1,
    ) -> None:
        self.settings = settings
        self.features = features
        self.scene_context = scene_context
        self.mra_inclusive = mra_inclusive
        cores = len(os.sched_getaffinity(0))
        self.n_jobs = n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
        self.folds_at_once = self.n_jobs
        self._reader = SheetReader([load_featuriser(name) for name in features])
        self._fold_jobs = self.n_jobs
        self._asked_before = False

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Folds side by side; each format of one is a task of its own, the dearest first.

        In threads (the trees and most of numpy let go of Python's lock); who is asked again, as
        pruning does, gets processes that stay: they start slowly, and never wait for one another.
        """
        present = set(table["format"])
        tasks = [(at, kind) for kind in FORMATS if kind in present for at in folds]
        at_once = min(self.n_jobs, len(tasks))
        self._fold_jobs = max(1, self.n_jobs // max(min(at_once, len(folds)), 1))
        parts: dict[Fold, list[tuple[str, Predictions]]] = {at: [] for at in folds}

        def run(at: Fold, kind: str) -> tuple[Fold, str, Predictions]:
            train, heldout = split(table, plan, *at)
            return at, kind, self._answer(kind, train, heldout, fold_seed(seed, *at))

        def order(at: Fold, kind: str) -> Any:
            if not apart:
                return delayed(run)(at, kind)
            made_of = (self.settings, self.features, self.scene_context, self.mra_inclusive)
            asked = (kind, *split(table, plan, *at), fold_seed(seed, *at))
            return delayed(_answer_apart)(at, made_of, asked)

        apart = self._asked_before and len(table) in WORTH_PROCESSES
        self._asked_before = True
        # one BLAS thread each: sums come out the same on any number of cores
        with threadpool_limits(1):
            done = (run(*task) for task in tasks)
            if at_once > 1:
                workers = Parallel(
                    at_once, backend="loky" if apart else "threading", max_nbytes=None,
                    return_as="generator_unordered",
                )  # fmt: skip
                done = workers(order(*task) for task in tasks)
            for at, kind, predictions in done:
                parts[at].append((kind, predictions))
                if len(parts[at]) == len(tasks) // len(folds):
                    yield at, join_formats(dict(parts.pop(at)))

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        """Fit on ``train`` (with ``answer``), predict ``heldout`` (without): ``folds.split``."""
        with threadpool_limits(1):
            return join_formats(
                {kind: self._answer(kind, train, heldout, seed) for kind in FORMATS}
            )

    def _answer(
        self, kind: str, train: pd.DataFrame, heldout: pd.DataFrame, seed: int
    ) -> Predictions:
        """Predictions for the held-out questions of one format; nothing for the others."""
        started = time.perf_counter()
        predictions = Predictions.empty(len(heldout))
        if self.settings.reasons:
            predictions.reasons = [[] for _ in range(len(heldout))]
        if self.settings.importance:
            predictions.permuted = {}
        if kind == "open":
            for row, text in frequent_texts(train, heldout).items():
                predictions.text[row] = text
            return predictions
        rows = np.flatnonzero((train["format"] == kind).to_numpy())
        wanted = np.flatnonzero((heldout["format"] == kind).to_numpy())
        if not len(wanted):
            return predictions
        answers = train["answer"].to_numpy(dtype=object)
        questions = train.drop(columns="answer")
        fields = sorted({name for row in train["metadata"] for name in row})
        sheet = self._reader.read(questions, rows, fields) if len(rows) else None
        asked = self._reader.read(heldout, wanted, fields)
        if self.scene_context and declared_groups(train):
            context = SceneContext([questions, heldout], self._reader.corpus)
            context.add_to(asked, heldout)
            if sheet is not None:
                context.add_to(sheet, questions)
        answer = self._answer_choices if kind == "mc" else self._answer_numbers
        answer(sheet, answers[rows], asked, heldout, predictions, seed)
        fitting = predictions.cost.get("fit_seconds", 0.0)
        predictions.cost["heldout_seconds"] = time.perf_counter() - started - fitting
        return predictions

    def _answer_choices(
        self,
        sheet: Sheet | None,
        answers: np.ndarray,
        asked: Sheet,
        heldout: pd.DataFrame,
        predictions: Predictions,
        seed: int,
    ) -> None:
        if sheet is None:
            _put_options(predictions, asked, asked.baseline)
            return
        started = time.perf_counter()
        model = ChoiceModel(self.settings, self._fold_jobs)
        model.fit(sheet, answers.astype(np.int64), seed)
        predictions.cost["fit_seconds"] = time.perf_counter() - started
        reading, columns = model.read(asked)
        probability = model.predict(columns)
        _put_options(predictions, asked, probability)
        if predictions.reasons is not None:
            options = heldout["options"].iloc[asked.rows].tolist()
            said = choice_reasons(model, reading, columns, probability, options)
            for row, sentences in zip(asked.rows, said, strict=True):
                predictions.reasons[row] = sentences
        if predictions.permuted is not None:
            for family, permuted in model.predict_permuted(columns, seed).items():
                other = predictions.permuted[family] = Predictions.empty(len(heldout))
                _put_options(other, asked, permuted)

    def _answer_numbers(
        self,
        sheet: Sheet | None,
        answers: np.ndarray,
        asked: Sheet,
        heldout: pd.DataFrame,
        predictions: Predictions,
        seed: int,
    ) -> None:
        if sheet is None:
            return
        started = time.perf_counter()
        model = NumberModel(self.settings, self._fold_jobs, self.mra_inclusive)
        model.fit(sheet, answers.astype(np.float64), seed)
        predictions.cost["fit_seconds"] = time.perf_counter() - started
        columns = model.features.transform(asked)
        predictions.value[asked.rows] = model.predict(columns, asked.types)
        if predictions.reasons is not None:
            for row, sentences in zip(
                asked.rows, number_reasons(model.features, asked), strict=True
            ):
                predictions.reasons[row] = sentences
        if predictions.permuted is not None:
            for family, values in model.predict_permuted(columns, asked.types, seed).items():
                other = predictions.permuted[family] = Predictions.empty(len(heldout))
                other.value[asked.rows] = values


Answers = tuple[Fold, str, Predictions]
_here: dict[str, ForestDiagnostic] = {}
"""The diagnostic of a worker process; it remembers the texts it has read."""


def _answer_apart(at: Fold, made_of: tuple[Any, ...], asked: tuple[Any, ...]) -> Answers:
    """One task in a process of its own."""
    key = repr(made_of)
    if key not in _here:
        _here.clear()
        settings, features, scene_context, inclusive = made_of
        _here[key] = ForestDiagnostic(settings, features, scene_context, inclusive, n_jobs=1)
    with threadpool_limits(1):
        return at, asked[0], _here[key]._answer(*asked)


def _put_options(predictions: Predictions, asked: Sheet, probability: np.ndarray) -> None:
    for row, part in zip(asked.rows, np.split(probability, asked.start[1:-1]), strict=True):
        predictions.p_options[row] = part


def join_formats(parts: dict[str, Predictions]) -> Predictions:
    """One fold's predictions from those of its formats, each of which leaves the others' empty.

    What a feature family does not touch stays as it was predicted.
    """
    ordered = [parts[kind] for kind in reversed(FORMATS) if kind in parts]
    whole = _overlay(ordered)
    for part in ordered:
        add_costs(whole.cost, part.cost)
    if all(part.reasons is not None for part in ordered):
        said = zip(*(part.reasons or [] for part in ordered), strict=True)
        whole.reasons = [[sentence for own in row for sentence in own] for row in said]
    if all(part.permuted is not None for part in ordered):
        families = dict.fromkeys(f for part in ordered for f in part.permuted or {})
        whole.permuted = {
            family: _overlay([(part.permuted or {}).get(family, part) for part in ordered])
            for family in families
        }
    return whole


def _overlay(parts: list[Predictions]) -> Predictions:
    """The answers of predictions that speak of different rows."""
    whole = Predictions.empty(len(parts[0].value))
    for part in parts:
        for row, (options, text) in enumerate(zip(part.p_options, part.text, strict=True)):
            whole.p_options[row] = whole.p_options[row] if options is None else options
            whole.text[row] = whole.text[row] if text is None else text
        given = ~np.isnan(part.value)
        whole.value[given] = part.value[given]
    return whole


def frequent_texts(train: pd.DataFrame, heldout: pd.DataFrame) -> dict[int, str]:
    """Position of every open held-out question -> its type's most frequent training answer.

    An unseen type gets the most frequent answer of all; ties go to the first in the alphabet.
    """
    is_open = train["format"] == "open"
    counts: dict[str, Counter[str]] = {}
    overall: Counter[str] = Counter()
    for kind, answer in zip(train["question_type"][is_open], train["answer"][is_open], strict=True):
        counts.setdefault(kind, Counter())[answer[0]] += 1
        overall[answer[0]] += 1
    texts = {}
    for row in np.flatnonzero((heldout["format"] == "open").to_numpy()).tolist():
        seen = counts.get(heldout["question_type"].iloc[row], overall)
        if seen:
            texts[row] = min(seen, key=lambda text: (-seen[text], text))
    return texts
