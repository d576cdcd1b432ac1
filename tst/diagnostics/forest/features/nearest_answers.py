"""Whether an option resembles the right or the wrong options of training questions.

Every training question is a vector: its right option's words less the mean of its wrong options'
(weighted by inverse document frequency, length 1). An option's evidence is its cosine with the sum
of these vectors, over all training questions, over those of its type, and over the questions most
similar to its own. Training options see no vector of their own inner fold.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, diags_array, vstack

from tst.diagnostics.forest.text.hashing import distinct, find_places
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.text_cache import TextCache

NAMES = ("nearest.all", "nearest.type", "nearest.questions")
NEIGHBOURS = 30
STEPS = 64
"""Of similarity, by which most entries are left out before the rest are sorted."""
BATCH = 1000
"""Questions whose similarities are computed at once, for the memory's sake."""
MAX_FREQUENCY = 200
"""Words that more questions have say little about which are similar, and cost most."""


class NearestAnswers:
    """Three columns of evidence per option, see the module."""

    def fit(
        self, questions: QuestionArrays, correct: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> NearestAnswers:
        """correct: 1 for the gold option, (m,); fold: the inner fold of each question, (n,)."""
        self._n_folds = n_folds
        self._fold, self._questions = fold, questions
        texts = questions.texts
        self._option_words = WordVectors(texts, questions.option, None)
        self._question_words = WordVectors(texts, questions.question, MAX_FREQUENCY)
        self._options = self._option_words.vectors(texts, questions.option)
        weight = correct - (1 - correct) / np.maximum(questions.n_options - 1, 1)[questions.owner]
        pick = csr_matrix((weight, (questions.owner, np.arange(len(weight)))))
        self._contrast = (pick @ self._options).tocsr()
        self._kinds, kind_of = np.unique(questions.types, return_inverse=True)
        cells = (np.ones(len(fold)), (fold * len(self._kinds) + kind_of, np.arange(len(fold))))
        pick = csr_matrix(cells, shape=(n_folds * len(self._kinds), len(fold)))
        self._sums = (pick @ self._contrast).tocsr()  # by inner fold and type
        self._asked = self._question_words.vectors(texts, questions.question)
        self._near = nearest_questions(self._asked, self._asked, fold)
        return self

    def of_training(self, without: int | None = None) -> np.ndarray:
        """Evidence of the training options, out of fold, (m, 3)."""
        usable = self._fold != without if without is not None else np.ones(len(self._fold), bool)
        columns = np.zeros((len(self._questions.option), len(NAMES)))
        for own in range(self._n_folds):
            rows = np.flatnonzero(self._fold[self._questions.owner] == own)
            if len(rows):
                others = [f for f in range(self._n_folds) if f not in (own, without)]
                columns[rows, :2] = self._cosines(
                    self._options[rows], self._questions.types[self._questions.owner[rows]], others
                )
        near = self._near @ diags_array(usable * 1.0)
        columns[:, 2] = self._local(near, self._questions, self._options)
        return columns

    def transform(self, questions: QuestionArrays) -> np.ndarray:
        """Evidence of held-out options, (m, 3)."""
        options = self._option_words.vectors(questions.texts, questions.option)
        asked = self._question_words.vectors(questions.texts, questions.question)
        kinds = questions.types[questions.owner]
        columns = np.zeros((len(questions.option), len(NAMES)))
        columns[:, :2] = self._cosines(options, kinds, [*range(self._n_folds)])
        near = nearest_questions(asked, self._asked, None)
        columns[:, 2] = self._local(near, questions, options)
        return columns

    def _cosines(self, options: csr_matrix, kinds: np.ndarray, folds: list[int]) -> np.ndarray:
        """Of options with the sums of some inner folds, over all types and over their own, (r, 2).

        kinds: the question type of each, (r,); 0 for one that no training question has
        """
        size = len(self._kinds)
        place = np.repeat(np.array(folds, dtype=np.int64) * size, size)
        place += np.tile(np.arange(size), len(folds))
        cells = (np.ones(len(place)), (place % size, place))
        by_kind = csr_matrix(cells, shape=(size, self._sums.shape[0])) @ self._sums
        own = find_places(self._kinds, kinds)
        typed = (options @ _unit_rows(by_kind).T).tocsr()[np.arange(len(kinds)), own]
        columns = np.empty((len(kinds), 2))
        columns[:, 0] = options @ _unit_sum(by_kind)
        columns[:, 1] = np.where(own >= 0, np.asarray(typed).ravel(), 0.0)
        return columns

    def _local(
        self, near: csr_matrix, questions: QuestionArrays, options: csr_matrix
    ) -> np.ndarray:
        """Of options with the sum over their question's neighbours, (m,)."""
        parts = []
        for first in range(0, len(questions), BATCH):
            last = min(first + BATCH, len(questions))
            rows = slice(questions.start[first], questions.start[last])
            total = (near[first:last] @ self._contrast).tocsr()[questions.owner[rows] - first]
            parts.append(np.asarray(options[rows].multiply(total).sum(axis=1)).ravel())
        return np.concatenate(parts) if parts else np.zeros(0)


class WordVectors:
    """The vocabulary of some texts, weighted by inverse document frequency."""

    def __init__(self, texts: TextCache, ids: np.ndarray, most: int | None) -> None:
        """Words of at least two of the texts, and of at most ``most``."""
        tokens, starts = texts.tokens(ids)
        owner = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        words, counts = np.unique(distinct(owner, tokens)[1], return_counts=True)
        kept = counts > 1 if most is None else (counts > 1) & (counts <= most)
        self.words = words[kept]
        self.weight = np.log((len(starts) + 1) / (counts[kept] + 1)) + 0.1

    def vectors(self, texts: TextCache, ids: np.ndarray) -> csr_matrix:
        """One row of length 1 per text id, (len(ids), words)."""
        owner, tokens = texts.owned_tokens(ids)
        shape = (len(ids), len(self.words))
        place = find_places(self.words, tokens)
        there = place >= 0
        matrix = csr_matrix((self.weight[place[there]], (owner[there], place[there])), shape=shape)
        return _unit_rows(matrix)


def _unit_rows(matrix: csr_matrix) -> csr_matrix:
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (diags_array(1.0 / np.maximum(length, 1e-12)) @ matrix).tocsr()


def _unit_sum(vectors: csr_matrix) -> np.ndarray:
    total = np.asarray(vectors.sum(axis=0)).ravel()
    return total / max(float(np.sqrt(total @ total)), 1e-12)


def nearest_questions(asked: csr_matrix, known: csr_matrix, fold: np.ndarray | None) -> csr_matrix:
    """Similarity of each question to its NEIGHBOURS most similar known ones, of other folds."""
    blocks, by_word = [], known.T.tocsr()
    for first in range(0, asked.shape[0], BATCH):
        similarity = (asked[first : first + BATCH] @ by_word).tocoo()
        row, column, value = similarity.row, similarity.col, similarity.data
        if fold is not None:
            apart = fold[first + row] != fold[column]
            row, column, value = row[apart], column[apart], value[apart]
        likely = _among_the_highest(row, value, similarity.shape[0])
        row, column, value = row[likely], column[likely], value[likely]
        order = np.lexsort((column, -value, row))
        row, column, value = row[order], column[order], value[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        kept = place < NEIGHBOURS
        shape = (similarity.shape[0], known.shape[0])
        blocks.append(csr_matrix((value[kept] ** 2, (row[kept], column[kept])), shape=shape))
    return vstack(blocks, format="csr") if blocks else csr_matrix((0, known.shape[0]))


def _among_the_highest(row: np.ndarray, value: np.ndarray, n_rows: int) -> np.ndarray:
    """Entries that may be among the NEIGHBOURS highest of their row, (e,) bool: far fewer to sort.

    value: from 0 to 1. Those below a step that NEIGHBOURS of the row reach are not.
    """
    step = np.clip((value * STEPS).astype(np.int64), 0, STEPS - 1)
    reach = np.bincount(row * STEPS + step, minlength=n_rows * STEPS).reshape(n_rows, STEPS)
    reach = np.cumsum(reach[:, ::-1], axis=1)[:, ::-1]
    lowest = np.maximum((reach >= NEIGHBOURS).sum(1) - 1, 0)
    kept: np.ndarray = step >= lowest[row]
    return kept
