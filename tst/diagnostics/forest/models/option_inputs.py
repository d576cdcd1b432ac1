"""What the members of the stack read of options, for training questions out of fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from tst.diagnostics.forest.features.indicators import Indicators
from tst.diagnostics.forest.features.nearest_answers import NearestAnswers
from tst.diagnostics.forest.features.option_features import (
    OptionFeatures,
    OptionText,
    read_options,
)
from tst.diagnostics.forest.features.text_pieces import TextPieces
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, take
from tst.diagnostics.forest.text.templates import TemplateMiner


@dataclass
class OptionInputs:
    """m options of n questions: dense (m, f) encodings, sparse indicators and pieces, evidence."""

    questions: QuestionArrays
    values: np.ndarray
    relative: np.ndarray
    indicators: csr_matrix
    pieces: csr_matrix
    nearest: np.ndarray

    def take(self, chosen: np.ndarray) -> OptionInputs:
        """Those of some questions, (n,) bool."""
        questions, rows = take(self.questions, np.flatnonzero(chosen))
        return OptionInputs(
            questions, self.values[rows], self.relative[rows], self.indicators[rows],
            self.pieces[rows], self.nearest[rows],
        )  # fmt: skip


class OptionEncoder:
    """Turns questions into inputs; the answers it has seen are those given to ``fit``."""

    def __init__(self, prior: float, n_folds: int, max_rows: int) -> None:
        self.n_folds = n_folds
        self.max_rows = max_rows
        self.features = OptionFeatures(prior)
        self.indicators = Indicators()
        self.pieces = TextPieces()
        self.nearest = NearestAnswers()

    def fit(
        self, questions: QuestionArrays, correct: np.ndarray, fold: np.ndarray, seed: int
    ) -> OptionEncoder:
        self._miner = TemplateMiner().fit(questions)
        text = read_options(questions, self._miner)
        self.features.fit(text, correct, fold[questions.owner], self.n_folds)
        chosen = np.arange(len(questions))
        if len(questions) > self.max_rows:  # statistics use all questions, models a sample of them
            draw = np.random.default_rng(seed).permutation(len(questions))
            chosen = np.sort(draw[: self.max_rows])
        self.kept, self._rows = take(questions, chosen)
        self.fold, self.correct = fold[chosen], correct[self._rows]
        if len(chosen) < len(questions):
            text = read_options(self.kept, self._miner)
        self._indicators = self.indicators.fit(text)
        self._pieces = self.pieces.fit(self.kept)
        self.nearest.fit(self.kept, self.correct, self.fold, self.n_folds)
        return self

    def of_training(self, without: int | None = None) -> OptionInputs:
        values = self.features.of_training(self._rows, without)
        return OptionInputs(
            self.kept, values, self.kept.relative_all(values), self._indicators, self._pieces,
            self.nearest.of_training(without),
        )  # fmt: skip

    def transform(self, questions: QuestionArrays) -> tuple[OptionText, OptionInputs]:
        text = read_options(questions, self._miner)
        values = self.features.transform(text)
        return text, OptionInputs(
            questions, values, questions.relative_all(values), self.indicators.transform(text),
            self.pieces.transform(questions), self.nearest.transform(questions),
        )  # fmt: skip
