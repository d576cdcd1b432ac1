"""TsT-RF: the fast, interpretable text-only diagnostic."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from tst.core.diagnostic import Fold, Predictions
from tst.core.folds import FoldPlan, fold_seed, split
from tst.core.ranges import require_in_range
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.forest.declaration import Forest
from tst.diagnostics.forest.formats import FORMATS, join_formats, put_candidates, put_options
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.number_model import NumberModel
from tst.diagnostics.forest.models.open_model import OpenModel
from tst.diagnostics.forest.reasons import (
    by_shortcut,
    choice_reasons,
    number_reasons,
)
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.entities import load_featuriser
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.question_reader import QuestionReader
from tst.diagnostics.forest.text.siblings import GroupTexts

WORTH_PROCESSES = range(1_000, 20_000)
"""Table sizes for which processes are faster: fewer questions take no time, more take memory."""
MOST_AT_ONCE = 400_000
"""Questions of all folds that run side by side: 200,000 questions take about 1.5 GiB per fold."""


class ForestDiagnostic(Forest):
    """Option-wise forests and conditional logits over nested statistics of training answers.

    features: names of entity featurisers (vsi_bench, cv_bench) or dotted paths to a user's own
    context: none, or siblings: also read the text of the other questions of the same group
    rules: how an answer is scored; predicted numbers aim at it
    n_jobs: processor cores to use, -1 for all; changes no number
    """

    def __init__(
        self,
        settings: ForestSettings,
        features: list[str],
        context: str = "none",
        rules: ScoringRules = DEFAULT_RULES,
        n_jobs: int = -1,
    ) -> None:
        require_in_range(settings, "diagnostic")
        self.settings = settings
        self.features = features
        self.context = context
        self.rules = rules
        cores = len(os.sched_getaffinity(0))
        self.n_jobs = n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
        self.folds_at_once = self.n_jobs
        self._reader = QuestionReader([load_featuriser(name) for name in features])
        self._fold_jobs = self.n_jobs
        self._ran_before = False

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Several folds at once; each format of a fold is a task, the longest tasks first.

        The first run uses threads (the trees and most of numpy release Python's lock). Later runs,
        as in pruning, use processes that stay: they start slowly, and never wait for one another.
        """
        present = set(table["format"])
        tasks = [(at, kind) for kind in FORMATS if kind in present for at in folds]
        at_once = min(self.n_jobs, len(tasks), max(1, MOST_AT_ONCE // max(len(table), 1)))
        self._fold_jobs = max(1, self.n_jobs // max(min(at_once, len(folds)), 1))
        parts: dict[Fold, list[tuple[str, Predictions]]] = {at: [] for at in folds}

        def run(at: Fold, kind: str) -> tuple[Fold, str, Predictions]:
            train, heldout = split(table, plan, *at)
            return at, kind, self._predict_format(kind, train, heldout, fold_seed(seed, *at))

        def task(at: Fold, kind: str) -> Any:
            if not in_processes:
                return delayed(run)(at, kind)
            made_of = (self.settings, self.features, self.context, self.rules)
            arguments = (kind, *split(table, plan, *at), fold_seed(seed, *at))
            return delayed(_run_in_process)(at, made_of, arguments)

        in_processes = self._ran_before and len(table) in WORTH_PROCESSES
        self._ran_before = True
        # one BLAS thread each: sums come out the same on any number of cores
        with threadpool_limits(1):
            done = (run(*at_kind) for at_kind in tasks)
            if at_once > 1:
                workers = Parallel(
                    at_once, backend="loky" if in_processes else "threading", max_nbytes=None,
                    return_as="generator_unordered",
                )  # fmt: skip
                done = workers(task(*at_kind) for at_kind in tasks)
            for at, kind, predictions in done:
                parts[at].append((kind, predictions))
                if len(parts[at]) == len(tasks) // len(folds):
                    yield at, join_formats(dict(parts.pop(at)))

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        """Fit on ``train`` (with ``answer``), predict ``heldout`` (without): ``folds.split``."""
        with threadpool_limits(1):
            return join_formats(
                {kind: self._predict_format(kind, train, heldout, seed) for kind in FORMATS}
            )

    def _predict_format(
        self, kind: str, train: pd.DataFrame, heldout: pd.DataFrame, seed: int
    ) -> Predictions:
        """Predictions for the held-out questions of one format; nothing for the others."""
        started = time.perf_counter()
        predictions = Predictions.empty(len(heldout))
        if self.settings.reasons:
            predictions.reasons = [[] for _ in range(len(heldout))]
            predictions.contributions = [{} for _ in range(len(heldout))]
        if self.settings.importance:
            predictions.permuted = {}
        if kind == "open":
            predictions.text_probabilities = [None] * len(heldout)
        rows = np.flatnonzero((train["format"] == kind).to_numpy())
        wanted = np.flatnonzero((heldout["format"] == kind).to_numpy())
        if not len(wanted):
            return predictions
        answers = train["answer"].to_numpy(dtype=object)[rows]
        train = train.drop(columns="answer")
        fields = sorted({name for row in train["metadata"] for name in row})
        trained = self._reader.read(train, rows, fields) if len(rows) else None
        questions = self._reader.read(heldout, wanted, fields, trained)
        if self.context == "siblings":
            groups = GroupTexts([train, heldout], self._reader.texts)
            questions.siblings = groups.of(heldout, wanted)
            if trained is not None:
                trained.siblings = groups.of(train, rows)
        if trained is None and kind == "mc":
            put_options(predictions, questions, questions.baseline)
        if trained is None:
            return predictions
        if kind == "mc":
            options = heldout["options"].iloc[wanted].tolist()
            self._predict_choices(trained, answers, questions, options, predictions, seed)
        elif kind == "num":
            self._predict_numbers(trained, answers, questions, predictions, seed)
        else:
            model = OpenModel(self.settings, self._reader, fields, self._fold_jobs)
            model.fit(train, trained, answers.tolist(), seed)
            predictions.cost["fit_seconds"] = time.perf_counter() - started
            self._predict_open(model, heldout, questions, predictions, seed)
        fitting = predictions.cost["fit_seconds"]
        predictions.cost["heldout_seconds"] = time.perf_counter() - started - fitting
        return predictions

    def _predict_choices(
        self,
        trained: QuestionArrays,
        answers: np.ndarray,
        questions: QuestionArrays,
        options: list[list[str]],
        predictions: Predictions,
        seed: int,
    ) -> None:
        started = time.perf_counter()
        model = ChoiceModel(self.settings, self._fold_jobs)
        model.fit(trained, answers.astype(np.int64), seed)
        predictions.cost["fit_seconds"] = time.perf_counter() - started
        text, columns = model.read(questions)
        judged = model.judge(columns)
        probability = model.predict(columns, judged)
        put_options(predictions, questions, probability)
        if predictions.reasons is not None:
            reasons = choice_reasons(model, text, columns, options, probability)
            _put_reasons(predictions, questions, *reasons)
        if predictions.permuted is not None:
            for family, permuted in model.predict_permuted(columns, judged, seed).items():
                other = predictions.permuted[family] = Predictions.empty(len(predictions.value))
                put_options(other, questions, permuted)

    def _predict_open(
        self,
        model: OpenModel,
        heldout: pd.DataFrame,
        questions: QuestionArrays,
        predictions: Predictions,
        seed: int,
    ) -> None:
        candidates, unlisted, text, inputs = model.read(heldout, questions)
        if text is None or inputs is None:
            firsts = [np.eye(1, len(texts)).ravel() for texts in candidates]
            probability = np.concatenate(firsts)
            put_candidates(predictions, questions, candidates, probability, unlisted)
            return
        judged = model.choices.judge(inputs)
        probability = model.choices.predict(inputs, judged)
        put_candidates(predictions, questions, candidates, probability, unlisted)
        if predictions.reasons is not None:
            reasons = choice_reasons(model.choices, text, inputs, candidates, probability)
            _put_reasons(predictions, questions, *reasons)
        if predictions.permuted is not None:
            changed = model.choices.predict_permuted(inputs, judged, seed)
            for family, permuted in changed.items():
                other = predictions.permuted[family] = Predictions.empty(len(predictions.value))
                other.text_probabilities = [None] * len(predictions.text)
                put_candidates(other, questions, candidates, permuted, unlisted)

    def _predict_numbers(
        self,
        trained: QuestionArrays,
        answers: np.ndarray,
        questions: QuestionArrays,
        predictions: Predictions,
        seed: int,
    ) -> None:
        started = time.perf_counter()
        model = NumberModel(self.settings, self.rules, self._fold_jobs)
        model.fit(trained, answers.astype(np.float64), seed)
        predictions.cost["fit_seconds"] = time.perf_counter() - started
        columns = model.features.transform(questions)
        predictions.value[questions.rows] = model.predict(columns, questions.types)
        if predictions.reasons is not None:
            added = model.contributions(columns, questions.types)
            _put_reasons(predictions, questions, number_reasons(model.features, questions), added)
        if predictions.permuted is not None:
            for family, values in model.predict_permuted(columns, questions.types, seed).items():
                other = predictions.permuted[family] = Predictions.empty(len(predictions.value))
                other.value[questions.rows] = values


def _put_reasons(
    predictions: Predictions, questions: QuestionArrays, reasons: list[list[str]], added: np.ndarray
) -> None:
    """What moved the answers, in sentences, and what each shortcut added, (n, shortcuts)."""
    assert predictions.reasons is not None
    assert predictions.contributions is not None
    for row, sentences, shares in zip(questions.rows, reasons, by_shortcut(added), strict=True):
        predictions.reasons[row] = sentences
        predictions.contributions[row] = shares


_diagnostics: dict[str, ForestDiagnostic] = {}
"""The diagnostic of a worker process, which keeps the texts that it has read."""


def _run_in_process(
    at: Fold, made_of: tuple[Any, ...], arguments: tuple[Any, ...]
) -> tuple[Fold, str, Predictions]:
    """One task in a process of its own."""
    key = repr(made_of)
    if key not in _diagnostics:
        _diagnostics.clear()
        settings, features, context, rules = made_of
        _diagnostics[key] = ForestDiagnostic(settings, features, context, rules, n_jobs=1)
    with threadpool_limits(1):
        return at, arguments[0], _diagnostics[key]._predict_format(*arguments)
