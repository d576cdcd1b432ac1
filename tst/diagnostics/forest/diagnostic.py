"""TsT-RF: the fast, interpretable text-only diagnostic."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from tst.diagnostics.forest.choice import ChoiceModel
from tst.diagnostics.forest.facts import load_featuriser
from tst.diagnostics.forest.number import NumberModel
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.sheet import SheetReader
from tst.diagnostics.protocol import Diagnostic, Fold, Predictions, Store
from tst.folds import FoldPlan, fold_seed, split


class ForestDiagnostic(Diagnostic):
    """Option-wise forests and conditional logits over nested statistics of training answers.

    features: names of entity featurisers (vsi_bench, cv_bench) or dotted paths to a user's own
    n_jobs: processor cores to use, -1 for all; changes no number
    """

    def __init__(
        self,
        settings: ForestSettings,
        features: list[str],
        store: Store | None = None,
        n_jobs: int = -1,
    ) -> None:
        self.settings = settings
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
            predictions = self.fit_predict(train, heldout, fold_seed(seed, repeat, fold))
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
        answers = train["answer"].to_numpy(dtype=object)
        questions = train.drop(columns="answer")
        predictions = Predictions.empty(len(heldout))
        fields = sorted({name for row in train["metadata"] for name in row})
        for kind in ("mc", "num"):
            rows = np.flatnonzero((train["format"] == kind).to_numpy())
            wanted = np.flatnonzero((heldout["format"] == kind).to_numpy())
            if not len(wanted):
                continue
            asked = self._reader.read(heldout, wanted, fields)
            if not len(rows):
                for place, row in enumerate(wanted if kind == "mc" else []):
                    size = int(asked.n_options[place])
                    predictions.p_options[row] = np.full(size, 1.0 / size)
                continue
            sheet = self._reader.read(questions, rows, fields)
            if kind == "mc":
                model = ChoiceModel(self.settings, self._fold_jobs)
                gold = answers[rows].astype(np.int64)
                _, columns = model.fit(sheet, gold, seed).read(asked)
                probability = model.predict(columns)
                for row, part in zip(wanted, np.split(probability, asked.start[1:-1]), strict=True):
                    predictions.p_options[row] = part
            else:
                numbers = NumberModel(self.settings, self._fold_jobs)
                gold_numbers = answers[rows].astype(np.float64)
                predictions.value[wanted] = numbers.fit_predict(sheet, gold_numbers, asked, seed)
        for row, text in frequent_texts(train, heldout).items():
            predictions.text[row] = text
        return predictions


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
    for row in np.flatnonzero((heldout["format"] == "open").to_numpy()):
        seen = counts.get(heldout["question_type"].iloc[row], overall)
        if seen:
            texts[int(row)] = min(seen, key=lambda text: (-seen[text], text))
    return texts
