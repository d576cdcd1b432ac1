"""What the members of the stack read of options; of training questions, out of fold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, diags_array

from tst.diagnostics.forest.features.indicators import Indicators
from tst.diagnostics.forest.features.nearest_answers import NAMES, NearestAnswers
from tst.diagnostics.forest.features.option_features import OptionFeatures, OptionText, read_options
from tst.diagnostics.forest.features.text_pieces import TextPieces
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, take
from tst.diagnostics.forest.text.templates import TemplateMiner


@dataclass
class Block:
    """Columns of m options: values (m, f) dense or sparse.

    names: distinct names family.what; column: which of them each column has, (f,)
    """

    values: np.ndarray | csr_matrix
    names: list[str]
    column: np.ndarray

    @property
    def families(self) -> set[str]:
        return {self.names[place].split(".")[0] for place in np.unique(self.column)}

    def columns_of(self, family: str) -> np.ndarray:
        """Which columns are a family's, (f,) bool."""
        own = [name.split(".")[0] == family for name in self.names]
        return np.array(own, dtype=bool)[self.column]

    def take(self, rows: np.ndarray) -> Block:
        values = self.values
        dense = isinstance(values, np.ndarray)
        return replace(self, values=values.take(rows, axis=0) if dense else values[rows])

    def pick(self, chosen: np.ndarray) -> Block:
        """Some columns, (f,) bool."""
        return Block(self.values[:, chosen], self.names, self.column[chosen])

    def permuted(self, family: str, rows: np.ndarray) -> Block:
        """The same with the columns of one family taken from other rows, one for each row."""
        swapped = self.columns_of(family)
        if not swapped.any():
            return self
        if isinstance(self.values, np.ndarray):
            values = self.values.copy()
            values[:, swapped] = values[rows][:, swapped]
        else:
            own = self.values @ diags_array(swapped.astype(float))
            values = (self.values - own + own[rows]).tocsr()
        return replace(self, values=values)


@dataclass
class OptionInputs:
    """m options of n questions.

    encodings: surface features and nested statistics of training answers; relative: the same less
    the mean of the question's options; indicators: keys, claims and words; pieces: parts of option
    texts and crosses with the question's words; nearest: evidence from similar options
    """

    questions: QuestionArrays
    encodings: Block
    relative: Block
    indicators: Block
    pieces: Block
    nearest: Block

    def take(self, chosen: np.ndarray) -> OptionInputs:
        """Those of some questions, (n,) bool."""
        questions, rows = take(self.questions, np.flatnonzero(chosen))
        return OptionInputs(questions, *(block.take(rows) for block in self.blocks))

    def permuted(self, family: str, rows: np.ndarray) -> OptionInputs:
        """The same with one feature family taken from other rows, one for each option."""
        blocks = (block.permuted(family, rows) for block in self.blocks)
        return OptionInputs(self.questions, *blocks)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return self.encodings, self.relative, self.indicators, self.pieces, self.nearest


class OptionEncoder:
    """Turns questions into inputs. Training answers are seen in ``fit`` alone."""

    def __init__(self, prior: float, n_folds: int, max_rows: int) -> None:
        self.n_folds = n_folds
        self.max_rows = max_rows
        self.features = OptionFeatures(prior)
        self._indicators = Indicators()
        self._pieces = TextPieces()
        self._nearest = NearestAnswers()

    def fit(
        self, questions: QuestionArrays, correct: np.ndarray, fold: np.ndarray, seed: int
    ) -> OptionEncoder:
        """correct: 1 for the gold option, else 0, (m,); fold: inner fold of each question, (n,).

        Statistics use all questions, models a sample of ``max_rows``, the ``kept`` ones.
        """
        self._miner = TemplateMiner().fit(questions)
        text = read_options(questions, self._miner)
        self.kept, self.fold, self.correct, rows = questions, fold, correct, None
        if len(questions) > self.max_rows:
            draw = np.random.default_rng(seed).permutation(len(questions))
            chosen = np.sort(draw[: self.max_rows])
            self.kept, rows = take(questions, chosen)
            self.fold, self.correct = fold[chosen], correct[rows]
        self.features.fit(text, correct, fold[questions.owner], self.n_folds, rows)
        if rows is not None:
            text = read_options(self.kept, self._miner)
        indicators, pieces = self._indicators.fit(text), self._pieces.fit(self.kept)
        self._nearest.fit(self.kept, self.correct, self.fold, self.n_folds)
        self._own = (
            Block(indicators, self._indicators.names, self._indicators.column),
            Block(pieces, self._pieces.names, self._pieces.column),
        )
        return self

    def of_training(self, without: int | None = None) -> OptionInputs:
        """Inputs of the kept training questions, none of which sees its own inner fold's answers.

        without: an inner fold whose answers none of them sees
        """
        values = self.features.of_training(without)
        evidence = self._nearest.of_training(without)
        return self._inputs(self.kept, values, *self._own, evidence)

    def transform(self, questions: QuestionArrays) -> tuple[OptionText, OptionInputs]:
        """Held-out questions: what their text says, and the inputs of the members."""
        text = read_options(questions, self._miner)
        values = self.features.transform(text)
        known, parts = self._indicators, self._pieces
        indicators = Block(known.transform(text), known.names, known.column)
        pieces = Block(parts.transform(questions), parts.names, parts.column)
        evidence = self._nearest.transform(questions)
        return text, self._inputs(questions, values, indicators, pieces, evidence)

    def _inputs(
        self,
        questions: QuestionArrays,
        values: np.ndarray,
        indicators: Block,
        pieces: Block,
        evidence: np.ndarray,
    ) -> OptionInputs:
        each = np.arange(len(self.features.names))
        encodings = Block(values, self.features.names, each)
        relative = replace(encodings, values=questions.relative_all(values))
        near = Block(questions.relative_all(evidence), list(NAMES), np.arange(len(NAMES)))
        return OptionInputs(questions, encodings, relative, indicators, pieces, near)
