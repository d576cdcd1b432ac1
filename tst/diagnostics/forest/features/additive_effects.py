"""Additive effects of entities and words on numeric answers: a ridge regression, out of fold."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsqr

from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Sheet
from tst.diagnostics.forest.text.templates import Slots

SHRINKAGE = 2.0
STEPS = 30


class AdditiveEffects:
    """target = sum of the effects of the question's fillers and words, penalised by SHRINKAGE.

    Effects are a question type's own; fillers and words of one training question are left out.
    """

    def fit(
        self, sheet: Sheet, slots: Slots, targets: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> np.ndarray:
        """Learn from centred targets (n,); returns out-of-fold predictions (n,)."""
        owner, key = _entries(sheet, slots)
        known, counts = np.unique(key, return_counts=True)
        self._known = known[counts >= 2]
        matrix = self._matrix(owner, key, len(sheet))
        predicted = np.zeros(len(sheet))
        for held in range(n_folds):
            out = fold == held
            if out.any() and not out.all():
                predicted[out] = matrix[out] @ _ridge(matrix[~out], targets[~out])
        self._effects = _ridge(matrix, targets)
        return predicted

    def transform(self, sheet: Sheet, slots: Slots) -> np.ndarray:
        """Predictions of held-out questions' centred targets, (n,)."""
        return self._matrix(*_entries(sheet, slots), len(sheet)) @ self._effects

    def _matrix(self, owner: np.ndarray, key: np.ndarray, size: int) -> csr_matrix:
        if not len(self._known):
            return csr_matrix((size, 0))
        place = np.minimum(np.searchsorted(self._known, key), len(self._known) - 1)
        there = self._known[place] == key
        cells = (owner[there], place[there])
        return csr_matrix((np.ones(len(cells[0])), cells), shape=(size, len(self._known)))


def _entries(sheet: Sheet, slots: Slots) -> tuple[np.ndarray, np.ndarray]:
    """(question, key) of every filler and word, each once a question."""
    row, place = np.nonzero(slots.free)
    fillers = combine("filler", sheet.types[row], slots.free[row, place])
    tokens, starts = sheet.corpus.tokens(sheet.question)
    owner = np.repeat(np.arange(len(sheet)), np.diff(starts))
    words = combine("word", sheet.types[owner], tokens)
    rows, keys = [row, owner], [fillers, words]
    if sheet.context is not None:
        scene_row, scene_word = sheet.context
        rows.append(scene_row)
        keys.append(combine("scene", sheet.types[scene_row], scene_word))
    pairs = np.unique(
        np.stack([np.concatenate(rows).astype(np.uint64), np.concatenate(keys)]), axis=1
    )
    return pairs[0].astype(np.int64), pairs[1]


def _ridge(matrix: csr_matrix, targets: np.ndarray) -> np.ndarray:
    """argmin |X w - y|^2 + SHRINKAGE |w|^2."""
    if not matrix.shape[1]:
        return np.zeros(0)
    return lsqr(matrix, targets, damp=SHRINKAGE**0.5, iter_lim=STEPS)[0]
