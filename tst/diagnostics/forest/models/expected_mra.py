"""The number with the highest expected mean relative accuracy under a discrete distribution.

MRA (method.md, section 4) of a prediction c for a gold y counts the thresholds j = 1..10 with
20 |c - y| < j |y|: it is constant between the edges y (1 +- j / 20), so the best number lies in one
of the intervals between the edges of all golds.
"""

from __future__ import annotations

import numpy as np

from tst.core.metrics import TOLERANCE

MAX_CANDIDATES = 320


def mra(prediction: np.ndarray, gold: np.ndarray, inclusive: bool = False) -> np.ndarray:
    """MRA of predictions for golds (broadcast), with a relative tolerance at the edges.

    As ``tst.core.metrics.mean_relative_accuracy``, in a tenth of its memory.
    """
    gap, size = 20.0 * np.abs(prediction - gold), np.abs(gold)
    steps = np.where(size > 0, gap / np.where(size > 0, size, 1.0), np.where(gap > 0, np.inf, 0.0))
    # thresholds j = 1..10 that exceed ``steps``, or, inclusive, reach it
    if inclusive:
        missed = np.ceil(np.clip(steps * (1 - TOLERANCE), 1.0, 11.0)) - 1
    else:
        missed = np.floor(np.minimum(steps * (1 + TOLERANCE), 10.0))
    return (10 - missed) / 10.0


def candidates(golds: np.ndarray) -> np.ndarray:
    """Numbers worth predicting: one in every interval between edges, thinned to MAX_CANDIDATES."""
    values, counts = np.unique(golds, return_counts=True)
    steps = np.arange(-10, 11) / 20.0
    edges = (values[:, None] * (1 + steps)).ravel()
    if len(edges) > MAX_CANDIDATES:
        keep = np.linspace(0, 1, MAX_CANDIDATES // 2)
        edges = np.quantile(np.repeat(edges, np.repeat(counts, len(steps))), keep)
    edges = np.unique(edges)
    return np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))
