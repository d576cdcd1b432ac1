"""TsT-RF: the fast, interpretable text-only diagnostic."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from copy import copy

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from tst.benchmarks.questions import declared_groups
from tst.diagnostics.forest.choice import ChoiceModel
from tst.diagnostics.forest.context import SceneContext
from tst.diagnostics.forest.facts import load_featuriser
from tst.diagnostics.forest.number import NumberModel
from tst.diagnostics.forest.reasons import choice_reasons, number_reasons
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.sheet import Sheet, SheetReader
from tst.diagnostics.protocol import Diagnostic, Fold, Predictions
from tst.folds import FoldPlan, fold_seed, split


class ForestDiagnostic(Diagnostic):
    """Option-wise forests and conditional logits over nested statistics of training answers.

    features: names of entity featurisers (vsi_bench, cv_bench) or dotted paths to a user's own
    scene_context: also read the text of other questions on the same scene
    n_jobs: processor cores to use, -1 for all; changes no number
    """

    def __init__(
        self,
        settings: ForestSettings,
        features: list[str],
        scene_context: bool = False,
        n_jobs: int = -1,
    ) -> None:
        self.settings = settings
        self.scene_context = scene_context
        cores = len(os.sched_getaffinity(0))
        self.n_jobs = n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
        self.folds_at_once = self.n_jobs
        self._reader = SheetReader([load_featuriser(name) for name in features])
        self._fold_jobs = self.n_jobs

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Folds side by side in threads (the trees and most of numpy let go of Python's lock)."""
        at_once = min(self.n_jobs, len(folds))
        self._fold_jobs = max(1, self.n_jobs // max(at_once, 1))

        def run(repeat: int, fold: int) -> tuple[Fold, Predictions]:
            train, heldout = split(table, plan, repeat, fold)
            predictions = self._fit_predict(train, heldout, fold_seed(seed, repeat, fold))
            return (repeat, fold), predictions

        # one BLAS thread each: sums come out the same on any number of cores
        with threadpool_limits(1):
            if at_once <= 1:
                yield from (run(*fold) for fold in folds)
                return
            threads = Parallel(n_jobs=at_once, prefer="threads", return_as="generator_unordered")
            yield from threads(delayed(run)(*fold) for fold in folds)

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        """Fit on ``train`` (with ``answer``), predict ``heldout`` (without): ``folds.split``."""
        with threadpool_limits(1):
            return self._fit_predict(train, heldout, seed)

    def _fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        answers = train["answer"].to_numpy(dtype=object)
        questions = train.drop(columns="answer")
        predictions = Predictions.empty(len(heldout))
        if self.settings.reasons:
            predictions.reasons = [[] for _ in range(len(heldout))]
        if self.settings.importance:
            predictions.permuted = {}
        fields = sorted({name for row in train["metadata"] for name in row})
        context = None
        if self.scene_context and declared_groups(train):
            context = SceneContext([questions, heldout], self._reader.corpus)
        for row, text in frequent_texts(train, heldout).items():
            predictions.text[row] = text
        for kind, answer in (("num", self._answer_numbers), ("mc", self._answer_choices)):
            rows = np.flatnonzero((train["format"] == kind).to_numpy())
            wanted = np.flatnonzero((heldout["format"] == kind).to_numpy())
            if len(wanted):
                sheet = self._reader.read(questions, rows, fields) if len(rows) else None
                asked = self._reader.read(heldout, wanted, fields)
                if context is not None:
                    context.add_to(asked, heldout)
                    if sheet is not None:
                        context.add_to(sheet, questions)
                answer(sheet, answers[rows], asked, heldout, predictions, seed)
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
        model = ChoiceModel(self.settings, self._fold_jobs)
        model.fit(sheet, answers.astype(np.int64), seed)
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
                _put_options(_permuted(predictions, family), asked, permuted)
            for other in predictions.permuted.values():
                other.p_options = [
                    own if given is None else given
                    for own, given in zip(predictions.p_options, other.p_options, strict=True)
                ]

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
        model = NumberModel(self.settings, self._fold_jobs)
        model.fit(sheet, answers.astype(np.float64), seed)
        columns = model.features.transform(asked)
        predictions.value[asked.rows] = model.predict(columns, asked.types)
        if predictions.reasons is not None:
            for row, sentences in zip(
                asked.rows, number_reasons(model.features, asked), strict=True
            ):
                predictions.reasons[row] = sentences
        if predictions.permuted is not None:
            for family, values in model.predict_permuted(columns, asked.types, seed).items():
                _permuted(predictions, family).value[asked.rows] = values


def _put_options(predictions: Predictions, asked: Sheet, probability: np.ndarray) -> None:
    for row, part in zip(asked.rows, np.split(probability, asked.start[1:-1]), strict=True):
        predictions.p_options[row] = part


def _permuted(predictions: Predictions, family: str) -> Predictions:
    """The entry of a family; what the family does not touch stays as it was predicted."""
    assert predictions.permuted is not None
    if family not in predictions.permuted:
        entry = Predictions.empty(len(predictions.value))
        entry.value, entry.text = predictions.value.copy(), copy(predictions.text)
        predictions.permuted[family] = entry
    return predictions.permuted[family]


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
