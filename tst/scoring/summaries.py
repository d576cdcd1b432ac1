"""Summaries of sets of questions: means, spread over folds, intervals, what is known of chance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from tst.scoring.information import describe_information
from tst.scoring.intervals import TOO_FEW_GROUPS, bootstrap_intervals
from tst.scoring.scores import adjust

FIELDS: Mapping[str, str] = {
    "score_hard": "hard",
    "score_soft": "s",
    "zero_shot_hard": "hard_zero_shot",
    "zero_shot_soft": "s_zero_shot",
    "delta_hard": "delta_hard",
    "delta_soft": "delta",
    "bits": "bits",
    "baseline": "baseline",
    "majority": "majority",
}
"""summary.json field -> column of the per-question scores."""

ADJUSTED: Mapping[str, str] = {"adjusted_hard": "hard", "adjusted_soft": "s"}
"""summary.json field -> column of the score that is adjusted."""

WITH_INTERVAL = (
    "score_hard", "score_soft", "zero_shot_hard", "zero_shot_soft", "delta_hard", "delta_soft",
    "bits", *ADJUSTED,
)  # fmt: skip
"""Fields with a bootstrap interval."""


def summarise(
    scores: pd.DataFrame, scored: pd.DataFrame, table: pd.DataFrame, units: np.ndarray
) -> dict[str, Any]:
    """overall, macro, per_format and per_type, each with the fields of method.md, section 4.

    Where the truth is known also ``truth.cued`` and ``truth.clean``: the types with a planted
    shortcut together, and those without.

    scores: one row per question (``scoring.bias_scores``, indexed by table position)
    scored: one row per (question, repeat), for means and standard deviations over folds
    units: (len(table),), what the bootstrap resamples
    """
    rows = scores.index.to_numpy()
    kinds = table["format"].to_numpy()[rows]
    types = table["question_type"].to_numpy()[rows]
    masks: dict[tuple[str, str], np.ndarray] = {("overall", ""): np.ones(len(rows), dtype=bool)}
    masks |= {("per_format", f): kinds == f for f in sorted(set(kinds))}
    masks |= {("per_type", t): types == t for t in sorted(set(types))}
    if "planted" in table:
        # not np.isin, which compares every text with every other
        planted = table.loc[table["planted"].astype(int) == 1, "question_type"]
        cued = table["question_type"].isin(planted).to_numpy()[rows]
        masks |= {("truth", "cued"): cued, ("truth", "clean"): ~cued}
    members = np.stack(list(masks.values()), axis=1)
    values, per = _measures(scores)
    intervals = bootstrap_intervals(values, members, units[rows], per=per)
    summary: dict[str, Any] = {}
    for index, ((part, name), mask) in enumerate(masks.items()):
        fields = _set_fields(scores[mask], scored[scored["row"].isin(rows[mask])], table)
        fields["interval"] = {
            field: [float(b) for b in intervals[index, i]] for i, field in enumerate(WITH_INTERVAL)
        }
        if np.isnan(fields["interval"]["score_hard"]).any():
            fields["interval_reason"] = TOO_FEW_GROUPS
        if part == "overall":
            summary["overall"] = fields
        else:
            summary.setdefault(part, {})[name] = fields
    summary["macro"] = _macro(summary["per_type"])
    return summary


def _set_fields(scores: pd.DataFrame, scored: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    fields: dict[str, Any] = {"n": len(scores)}
    fields |= {field: float(scores[column].mean()) for field, column in FIELDS.items()}
    fields |= {f: adjusted_mean(scores[c], scores["baseline"]) for f, c in ADJUSTED.items()}
    fields |= describe_information(scored, table)
    by_fold = scored.groupby(["repeat", "fold"])[["hard", "s"]].mean()
    names = {"hard": "score_hard", "s": "score_soft"}
    fields["fold_mean"] = {names[c]: float(by_fold[c].mean()) for c in names}
    fields["fold_sd"] = {names[c]: float(by_fold[c].std(ddof=1)) for c in names}
    missing = int(scores["s"].isna().sum())
    if missing:
        fields["missing"] = f"{missing} questions have no score (the diagnostic gave none)"
    if np.isnan(scores["s_zero_shot"]).all():
        fields["zero_shot_reason"] = "this diagnostic has no zero-shot model"
    if any(math.isnan(fields[field]) for field in ADJUSTED):
        fields["adjusted_reason"] = (
            "no question has a score"
            if missing == len(scores)
            else "no training answer of this format says a baseline"
            if scores["baseline"].isna().all()
            else "the baseline leaves nothing to gain (1 - b < 1e-9)"
        )
    return fields


def _measures(scores: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Of every question, in the order of WITH_INTERVAL, what is summed and what it is divided by.

    A mean divides by the number of questions; an adjusted score divides the sum of score - b by
    that of 1 - b.
    """
    baseline = scores["baseline"].to_numpy(dtype=float)
    means = [scores[FIELDS[f]].to_numpy(dtype=float) for f in WITH_INTERVAL if f in FIELDS]
    gains = [scores[column].to_numpy(dtype=float) - baseline for column in ADJUSTED.values()]
    per = [*(np.ones_like(baseline) for _ in means), *(1.0 - baseline for _ in gains)]
    return np.stack([*means, *gains], axis=1), np.stack(per, axis=1)


def adjusted_mean(score: pd.Series, baseline: pd.Series) -> float:
    """(mean score - mean b) / (1 - mean b) of a set, over the questions that have both."""
    known = score.notna() & baseline.notna()
    return float(adjust(np.array(score[known].mean()), np.array(baseline[known].mean())))


def _macro(per_type: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Unweighted means over question types."""
    fields: dict[str, Any] = {"n": len(per_type)}
    for field in (*FIELDS, *ADJUSTED):
        values = [part[field] for part in per_type.values()]
        if field == "bits":  # of the types that have it
            values = [v for v in values if math.isfinite(v)] or [math.nan]
        fields[field] = float(np.mean(values))
    return fields


def planted_aurocs(scores: pd.DataFrame, table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """AUROC of s(x) for the planted rows of each cued type, where the truth is known."""
    if "planted" not in table:
        return {}
    known = table.loc[scores.index].assign(s=scores["s"])
    result: dict[str, dict[str, float]] = {}
    for question_type, part in known.groupby("question_type"):
        planted = part["planted"].astype(int)
        if planted.nunique() == 2 and part["s"].notna().all():
            auroc = float(roc_auc_score(planted, part["s"]))
            result[str(question_type)] = {"auroc": auroc, "planted": int(planted.sum())}
    return result
