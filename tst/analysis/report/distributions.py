"""Histograms, calibration and the joint histogram of zero-shot and tuned scores, as plain lists."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

BINS = 20
CONFIDENCE_BINS = 10


def histogram(
    questions: pd.DataFrame, column: str, low: float, high: float
) -> list[dict[str, Any]]:
    """Counts by format in ``BINS`` equal bins of [low, high], the last one closed.

    Rows with x1, x2, format, n; empty ones are left out.
    """
    edges = np.linspace(low, high, BINS + 1)
    bars = []
    for kind, part in questions.groupby("format"):
        counts = np.histogram(part[column].dropna(), edges)[0]
        bars += [
            {"x1": edges[i], "x2": edges[i + 1], "format": kind, "n": int(n)}
            for i, n in enumerate(counts)
            if n
        ]
    return bars


def joint_histogram(questions: pd.DataFrame) -> list[dict[str, Any]]:
    """Counts of questions by (zero-shot s, s), ``BINS`` bins per side; empty cells left out."""
    known = questions.dropna(subset=["s", "s_zero_shot"])
    edges = np.linspace(0.0, 1.0, BINS + 1)
    counts = np.histogram2d(known["s_zero_shot"], known["s"], [edges, edges])[0]
    return [
        {
            "x1": edges[i],
            "x2": edges[i + 1],
            "y1": edges[j],
            "y2": edges[j + 1],
            "n": int(counts[i, j]),
        }
        for i, j in np.argwhere(counts > 0)
    ]


def reliability(questions: pd.DataFrame, column: str) -> dict[str, Any] | None:
    """Calibration of mc questions: is an answer given with probability p right in p of cases.

    column: p_options or p_options_zero_shot
    Returns ``ece``, ``n`` and ``bins`` (confidence, accuracy, n, standard error); None without mc
    probabilities. ECE: sum over equal-width bins of share x |accuracy - confidence|, Guo et al.
    (2017), here with 10 bins.
    """
    asked = questions[(questions["format"] == "mc") & questions[column].notna()]
    if asked.empty:
        return None
    options = json.loads("[" + ",".join(asked[column]) + "]")
    confidence = np.array([max(p) for p in options])
    gold = asked["answer"].astype(int).to_numpy()
    right = np.array([p.index(max(p)) for p in options]) == gold
    which = np.minimum((confidence * CONFIDENCE_BINS).astype(int), CONFIDENCE_BINS - 1)
    bins = []
    ece = 0.0
    for index in np.unique(which):
        inside = which == index
        n = int(inside.sum())
        accuracy, mean = float(right[inside].mean()), float(confidence[inside].mean())
        ece += n / len(right) * abs(accuracy - mean)
        error = float(np.sqrt(accuracy * (1 - accuracy) / n))
        bins.append({"confidence": mean, "accuracy": accuracy, "n": n, "error": error})
    return {"ece": ece, "n": len(right), "bins": bins}
