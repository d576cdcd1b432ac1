"""Statistics of training answers, out of fold inside the training part.

Training rows see totals without their own inner fold, held-out rows see all training rows, so that
neither ever contains the row's own answer (or that of its unit).
"""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.text.question_arrays import Claims


def inner_folds(units: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """A fold in 0..n_folds - 1 per row, the same for rows of one unit; sizes as even as units.

    units: what the outer folds keep whole, (r,)
    """
    names, unit_of = np.unique(units, return_inverse=True)
    fold_of = np.arange(len(names)) % n_folds
    np.random.default_rng(seed).shuffle(fold_of)
    return fold_of[unit_of]


class KeyedTotals:
    """Sums of values by key, with or without an inner fold.

    keys: uint64 (r,), values: float (r, v), fold: int (r,) in 0..n_folds - 1
    """

    def __init__(
        self, keys: np.ndarray, values: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> None:
        self._known, codes = np.unique(keys, return_inverse=True)
        cells = codes * n_folds + fold
        size = len(self._known) * n_folds
        by_cell = [np.bincount(cells, weights=v, minlength=size) for v in values.T]
        self._own = np.stack(by_cell, axis=1).reshape(len(self._known), n_folds, values.shape[1])
        self._all = self._own.sum(1)

    def totals(self, keys: np.ndarray, fold: np.ndarray | None = None) -> np.ndarray:
        """Totals (r, v) of some keys, less those of the rows' own fold; 0 for unknown keys."""
        place = np.searchsorted(self._known, keys)
        place = np.minimum(place, max(len(self._known) - 1, 0))
        if not len(self._known):
            return np.zeros((len(keys), self._all.shape[1]))
        known = self._known[place] == keys
        sums = self._all[place]
        if fold is not None:
            sums = sums - self._own[place, fold]
        return np.where(known[:, None], sums, 0.0)


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
    ) -> LiftEncoding:
        values = np.stack([correct, baseline, np.ones(len(keys))], axis=1)
        self._totals = KeyedTotals(keys, values, fold, n_folds)
        return self

    def transform(self, keys: np.ndarray, fold: np.ndarray | None = None) -> np.ndarray:
        """Log lift and log count (r, 2); give the inner fold for rows that were fitted on."""
        hits, expected, count = self._totals.totals(keys, fold).round(9).T
        lift = np.log((hits + self.prior) / (expected + self.prior))
        return np.stack([lift, np.log1p(count)], axis=1)

    def counts(self, keys: np.ndarray) -> np.ndarray:
        """Hits, hits expected by chance, and rows of some keys in all of training, (r, 3)."""
        return self._totals.totals(keys).round(9)


class ClaimEncoding:
    """The evidence of right options for the claims of an option: summed log odds and count."""

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(
        self, claims: Claims, correct: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> ClaimEncoding:
        right = correct[claims.row] > 0
        sign = claims.sign[right]
        values = np.stack([sign > 0, sign < 0], axis=1).astype(float)
        self._totals = KeyedTotals(claims.key[right], values, fold[claims.row[right]], n_folds)
        return self

    def transform(self, claims: Claims, size: int, fold: np.ndarray | None = None) -> np.ndarray:
        """Summed log odds and log count (size, 2); give the rows' inner fold where fitted on."""
        own = None if fold is None else fold[claims.row]
        plus, minus = self._totals.totals(claims.key, own).round(9).T
        odds = claims.sign * np.log((plus + self.prior) / (minus + self.prior))
        evidence = np.bincount(claims.row, weights=odds, minlength=size)
        count = np.bincount(claims.row, weights=plus + minus, minlength=size)
        return np.stack([evidence, np.log1p(count)], axis=1)

    def counts(self, claims: Claims, size: int) -> np.ndarray:
        """Training answers for and against the claims of each option, (size, 2)."""
        plus, minus = self._totals.totals(claims.key).round(9).T
        agree = np.where(claims.sign > 0, plus, minus)
        against = np.where(claims.sign > 0, minus, plus)
        columns = [np.bincount(claims.row, weights=w, minlength=size) for w in (agree, against)]
        return np.stack(columns, axis=1)
