"""Statistics of training answers, out of fold inside the training part.

Training rows see totals without their own inner fold, held-out rows see all training rows, so that
neither ever contains the row's own answer (or that of its unit). Totals can also leave out a second
inner fold: a model that is fitted on such features knows nothing of that fold's answers.
"""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.text.hashing import find_places
from tst.diagnostics.forest.text.question_arrays import Claims

LEAST_UNITS = 5


def inner_folds(units: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """A fold in 0..n_folds - 1 per row, the same for rows of one unit; sizes as even as units.

    units: what the outer folds keep whole, (r,). Fewer folds are used where they would have less
    than LEAST_UNITS: leaving a single unit out tells its answers by what the others lack.
    """
    names, unit_of = np.unique(units, return_inverse=True)
    fold_of = np.arange(len(names)) % min(n_folds, max(2, len(names) // LEAST_UNITS))
    np.random.default_rng(seed).shuffle(fold_of)
    return fold_of[unit_of]


class KeyedTotals:
    """Sums of values by key, with or without inner folds.

    keys: uint64 (r,), values: float (r, v), fold: int (r,) in 0..n_folds - 1
    rows: positions of the training rows that ``of_training`` is for, (k,); None for all. All rows
        are counted, but sums by inner fold are kept of these rows' keys alone.
    """

    def __init__(
        self,
        keys: np.ndarray,
        values: np.ndarray,
        fold: np.ndarray,
        n_folds: int,
        rows: np.ndarray | None = None,
    ) -> None:
        self._known, codes = np.unique(keys, return_inverse=True)
        self._n_folds = n_folds
        size = len(self._known) * n_folds
        by_cell = [np.bincount(codes * n_folds + fold, weights=v, minlength=size) for v in values.T]
        own = np.stack(by_cell, axis=1).reshape(len(self._known), n_folds, values.shape[1])
        self._all = own.sum(1)
        self._asked = self._all
        if rows is not None:
            asked, codes = np.unique(codes[rows], return_inverse=True)
            own, fold, self._asked = own[asked], fold[rows], self._all[asked]
        self._own = own.reshape(-1, values.shape[1])  # by key and inner fold
        self._codes, self._fold = codes, fold

    def of_training(self, without: int | None = None) -> np.ndarray:
        """Totals (k, v) for the training rows, less those of their own fold.

        without: an inner fold to leave out too
        """
        cells = self._codes * self._n_folds
        # take is several times as fast as indexing here, and this is done for every key
        sums = self._asked.take(self._codes, axis=0)
        sums -= self._own.take(cells + self._fold, axis=0)
        if without is not None:
            other = self._own.take(cells + without, axis=0)
            other[self._fold == without] = 0.0
            sums -= other
        return sums.round(9, out=sums)

    def of_heldout(self, keys: np.ndarray) -> np.ndarray:
        """Totals (r, v) of some keys over all training rows; 0 for unknown keys."""
        if not len(self._known):
            return np.zeros((len(keys), self._all.shape[1]))
        place = find_places(self._known, keys)
        sums = self._all.take(place, axis=0)
        sums[place < 0] = 0.0
        return sums.round(9, out=sums)


class LiftEncoding:
    """How much more often than 1 / n_options the rows of a key are right: log lift and count."""

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(
        self,
        keys: np.ndarray,
        correct: np.ndarray,
        baseline: np.ndarray,
        fold: np.ndarray,
        n_folds: int,
        rows: np.ndarray | None = None,
    ) -> LiftEncoding:
        """rows: positions of the training rows that ``of_training`` is for, (k,); None for all."""
        values = np.stack([correct, baseline, np.ones(len(keys))], axis=1)
        self._totals = KeyedTotals(keys, values, fold, n_folds, rows)
        return self

    def of_training(self, without: int | None = None) -> np.ndarray:
        """Log lift and log count of the training rows, out of fold, (k, 2)."""
        return self._encode(self._totals.of_training(without))

    def transform(self, keys: np.ndarray) -> np.ndarray:
        """Log lift and log count of held-out rows, (r, 2)."""
        return self._encode(self._totals.of_heldout(keys))

    def counts(self, keys: np.ndarray) -> np.ndarray:
        """Hits, hits expected by chance, and rows of some keys in all of training, (r, 3)."""
        return self._totals.of_heldout(keys)

    def _encode(self, totals: np.ndarray) -> np.ndarray:
        hits, expected, count = totals.T
        lift = np.log((hits + self.prior) / (expected + self.prior))
        return np.stack([lift, np.log1p(count)], axis=1)


class ClaimEncoding:
    """The evidence of right options for the claims of an option: summed log odds and count."""

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(
        self,
        claims: Claims,
        correct: np.ndarray,
        fold: np.ndarray,
        n_folds: int,
        rows: np.ndarray | None = None,
    ) -> ClaimEncoding:
        """rows: positions of the options that ``of_training`` is for, (k,); None for all."""
        self._row, self._sign, self._size, chosen = claims.row, claims.sign, len(correct), None
        if rows is not None:
            place = np.full(len(correct), -1)
            place[rows] = np.arange(len(rows))
            chosen = np.flatnonzero(place[claims.row] >= 0)
            self._row, self._sign = place[claims.row[chosen]], claims.sign[chosen]
            self._size = len(rows)
        right = correct[claims.row] > 0
        values = np.stack([right & (claims.sign > 0), right & (claims.sign < 0)], axis=1)
        counted = fold[claims.row]
        self._totals = KeyedTotals(claims.key, values.astype(float), counted, n_folds, chosen)
        return self

    def of_training(self, without: int | None = None) -> np.ndarray:
        """Summed log odds and log count of the training options, out of fold, (k, 2)."""
        totals = self._totals.of_training(without)
        return self._encode(totals, self._row, self._sign, self._size)

    def transform(self, claims: Claims, size: int) -> np.ndarray:
        """Summed log odds and log count of held-out options, (size, 2)."""
        totals = self._totals.of_heldout(claims.key)
        return self._encode(totals, claims.row, claims.sign, size)

    def counts(self, claims: Claims, size: int) -> np.ndarray:
        """Training answers for and against the claims of each option, (size, 2)."""
        plus, minus = self._totals.of_heldout(claims.key).T
        agree = np.where(claims.sign > 0, plus, minus)
        against = np.where(claims.sign > 0, minus, plus)
        columns = [np.bincount(claims.row, weights=w, minlength=size) for w in (agree, against)]
        return np.stack(columns, axis=1)

    def _encode(
        self, totals: np.ndarray, row: np.ndarray, sign: np.ndarray, size: int
    ) -> np.ndarray:
        plus, minus = totals.T
        odds = sign * np.log((plus + self.prior) / (minus + self.prior))
        evidence = np.bincount(row, weights=odds, minlength=size)
        count = np.bincount(row, weights=plus + minus, minlength=size)
        return np.stack([evidence, np.log1p(count)], axis=1)
