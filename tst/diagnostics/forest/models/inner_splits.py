"""Inner splits of the training part, by the units that the outer folds keep whole."""

from __future__ import annotations

import numpy as np


def inner_folds(units: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """A fold in 0..n_folds - 1 per row, the same for rows of one unit; sizes as even as units."""
    names, unit_of = np.unique(units, return_inverse=True)
    fold_of = np.arange(len(names)) % n_folds
    np.random.default_rng(seed).shuffle(fold_of)
    return fold_of[unit_of]
