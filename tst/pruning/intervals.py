"""Intervals of sets of different questions, paired by resampling the same groups for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tst.scoring.intervals import TOO_FEW_GROUPS, resample_groups
from tst.scoring.summaries import adjusted_mean

MEASURES = ("score_hard", "adjusted_hard", "adjusted_soft")
"""What has an interval."""


def describe_scores(scores: pd.DataFrame) -> dict[str, Any]:
    """n, score_hard, score_soft, baseline, adjusted_hard and adjusted_soft of a set of questions.

    scores: columns s, hard and baseline
    """
    return {
        "n": len(scores),
        "score_hard": float(scores["hard"].mean()),
        "score_soft": float(scores["s"].mean()),
        "baseline": float(scores["baseline"].mean()),
        "adjusted_hard": adjusted_mean(scores["hard"], scores["baseline"]),
        "adjusted_soft": adjusted_mean(scores["s"], scores["baseline"]),
    }


def compare_samples(
    samples: Mapping[str, pd.DataFrame], units: np.ndarray, reference: str
) -> dict[str, dict[str, Any]]:
    """95% intervals of the MEASURES of every set, and of reference - set.

    samples: scores (``describe_scores``) by position in the whole table
    units: (n,) group of every question of that table. The same resampled groups are used for
    all sets, so that differences are paired although the sets have different questions. A set with
    scores in fewer than two groups has NaN as interval, with a reason, and no difference.
    """
    group_of, draws = resample_groups(units, seed=0)
    sums = {name: _sums(sample, group_of) for name, sample in samples.items()}
    chunks: dict[str, list[np.ndarray]] = {name: [] for name in samples}
    for counts in draws:
        weights = counts.astype(float)
        for name, parts in sums.items():
            hard, gain_hard, gain_soft, room, count = (weights @ parts).T
            with np.errstate(divide="ignore", invalid="ignore"):
                measures = [hard / count, gain_hard / room, gain_soft / room]
            chunks[name].append(np.stack(measures, axis=1))
    resampled = {name: np.concatenate(parts) for name, parts in chunks.items()}
    enough = {name for name, parts in sums.items() if (parts[:, -1] > 0).sum() >= 2}
    result: dict[str, dict[str, Any]] = {}
    for name, values in resampled.items():
        if name not in enough:
            unknown = {field: [float("nan")] * 2 for field in MEASURES}
            result[name] = {"interval": unknown, "interval_reason": TOO_FEW_GROUPS}
            continue
        result[name] = {"interval": _bounds(values)}
        if name != reference and reference in enough:
            result[name]["difference"] = _bounds(resampled[reference] - values)
    return result


def _sums(sample: pd.DataFrame, group_of: np.ndarray) -> np.ndarray:
    """Sums of hard, hard - b, s - b, 1 - b and 1 per group; shape (groups, 5)."""
    hard, s, baseline = sample[["hard", "s", "baseline"]].to_numpy(float).T
    columns = np.stack(
        [hard, hard - baseline, s - baseline, 1.0 - baseline, np.ones_like(s)], axis=1
    )
    given = np.isfinite(columns).all(axis=1)
    sums = np.zeros((int(group_of.max()) + 1, 5))
    np.add.at(sums, group_of[sample.index.to_numpy()[given]], columns[given])
    return sums


def _bounds(values: np.ndarray) -> dict[str, list[float]]:
    low, high = np.nanpercentile(values, [2.5, 97.5], axis=0)
    return {field: [float(low[i]), float(high[i])] for i, field in enumerate(MEASURES)}
