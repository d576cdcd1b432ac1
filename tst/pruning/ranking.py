"""The order of removal: scores of the remaining questions, compared at 12 decimals."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tst.scoring.scores import adjust

DECIMALS = 12


def ranking_scores(scores: pd.DataFrame, rank_by: str) -> np.ndarray:
    """The score that ranks: adjusted, s, bits or delta per question; NaN where it is not known.

    scores: columns s, s_zero_shot, baseline, bits
    """
    s = scores["s"].to_numpy(dtype=float)
    if rank_by in ("s", "bits"):
        return scores[rank_by].to_numpy(dtype=float)
    if rank_by == "delta":
        return s - scores["s_zero_shot"].to_numpy(dtype=float)
    return adjust(s, scores["baseline"].to_numpy(dtype=float))


def rank(values: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Positions from the highest score to the lowest; equal ones by id, NaN last."""
    rounded = np.round(np.asarray(values, dtype=float), DECIMALS)
    descending = np.where(np.isnan(rounded), np.inf, -rounded)
    return np.lexsort((ids.astype(str), descending))


def highest(values: np.ndarray) -> float:
    """The highest score at 12 decimals; NaN where there is none."""
    finite = values[np.isfinite(values)]
    return float(np.round(finite.max(), DECIMALS)) if len(finite) else float("nan")
