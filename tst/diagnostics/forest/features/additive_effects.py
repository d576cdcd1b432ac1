"""Additive effects of entities and words on numeric answers: a ridge regression, out of fold."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsqr

from tst.diagnostics.forest.text.hashing import combine, distinct, find_places
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.templates import MaskedQuestions

SHRINKAGE = 2.0
STEPS = 30


class AdditiveEffects:
    """target = sum of the effects of the question's fillers and words, penalised by SHRINKAGE.

    Every question type has effects of its own. Fillers and words that occur in a single training
    question have none.
    """

    def fit(
        self,
        questions: QuestionArrays,
        masked: MaskedQuestions,
        targets: np.ndarray,
        fold: np.ndarray,
        n_folds: int,
    ) -> np.ndarray:
        """Learn from centred targets (n,); returns out-of-fold predictions (n,)."""
        owner, key = _entries(questions, masked)
        known, counts = np.unique(key, return_counts=True)
        self._known = known[counts >= 2]
        matrix = self._matrix(owner, key, len(questions))
        predicted = np.zeros(len(questions))
        for held in range(n_folds):
            out = fold == held
            if out.any() and not out.all():
                predicted[out] = matrix[out] @ _ridge(matrix[~out], targets[~out])
        self._effects = _ridge(matrix, targets)
        return predicted

    def transform(self, questions: QuestionArrays, masked: MaskedQuestions) -> np.ndarray:
        """Predictions of held-out questions' centred targets, (n,)."""
        return self._matrix(*_entries(questions, masked), len(questions)) @ self._effects

    def _matrix(self, owner: np.ndarray, key: np.ndarray, size: int) -> csr_matrix:
        place = find_places(self._known, key)
        there = place >= 0
        cells = (owner[there], place[there])
        return csr_matrix((np.ones(len(cells[0])), cells), shape=(size, len(self._known)))


def _entries(questions: QuestionArrays, masked: MaskedQuestions) -> tuple[np.ndarray, np.ndarray]:
    """(question, key) of every filler and word, each once per question."""
    row, place = np.nonzero(masked.free)
    fillers = combine("filler", questions.types[row], masked.free[row, place])
    owner, tokens = questions.texts.owned_tokens(questions.question)
    words = combine("word", questions.types[owner], tokens)
    rows, keys = [row, owner], [fillers, words]
    if questions.siblings is not None:
        said = questions.siblings.words
        rows.append(said.row)
        keys.append(combine("siblings", questions.types[said.row], said.code))
    return distinct(np.concatenate(rows), np.concatenate(keys))


def _ridge(matrix: csr_matrix, targets: np.ndarray) -> np.ndarray:
    """argmin |X w - y|^2 + SHRINKAGE |w|^2."""
    if not matrix.shape[1]:
        return np.zeros(0)
    return lsqr(matrix, targets, damp=SHRINKAGE**0.5, iter_lim=STEPS)[0]
