"""Summaries of sets of questions with intervals from a bootstrap over groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from tst.scoring.information import describe_information
from tst.scoring.scores import adjust

RESAMPLES = 10_000
MAX_BLOCKS = 2_048
"""More groups than this are merged at random into this many blocks before resampling; the variance
of a mean over blocks estimates that over groups without bias, and memory stays linear."""

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

WITH_INTERVAL = tuple(FIELDS)[:7]


TOO_FEW_GROUPS = "fewer than two groups (or questions) have a score"
"""Why a set has no interval."""


def resample_groups(
    units: np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """The block of every question (n,), and how often each block is drawn, resample by resample.

    units: (n,) group of each question; a block is a group, or some of them where there are more
        than MAX_BLOCKS
    The iterator gives chunks (c, blocks) of counts, ``resamples`` rows in all.
    """
    block_of = np.unique(units.astype(str), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    blocks = int(block_of.max()) + 1
    if blocks > MAX_BLOCKS:
        block_of = (rng.permutation(blocks) % MAX_BLOCKS)[block_of]
        blocks = MAX_BLOCKS
    chunk = max(1, min(resamples, 4_000_000 // blocks))

    def draws() -> Iterator[np.ndarray]:
        for start in range(0, resamples, chunk):
            size = min(chunk, resamples - start)
            drawn = rng.integers(0, blocks, (size, blocks)) + np.arange(size)[:, None] * blocks
            yield np.bincount(drawn.ravel(), minlength=size * blocks).reshape(size, blocks)

    return block_of, draws()


def bootstrap_intervals(
    values: np.ndarray,
    members: np.ndarray,
    units: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> np.ndarray:
    """95% percentile intervals of means over sets of questions, resampling whole groups.

    values: (n, m) float, m measures a question; NaN where not measured
    members: (n, sets) bool, which question is in which set
    units: (n,) group of each question
    Returns (sets, m, 2). A set's mean is the ratio of its resampled sum and count, so measures that
    are differences are paired; it is NaN where fewer than two blocks hold its values. Cluster
    bootstrap: Davison and Hinkley (1997), section 3.8.
    """
    block_of, draws = resample_groups(units, seed, resamples)
    blocks = int(block_of.max()) + 1
    given = np.isfinite(values)
    sets, measures = members.shape[1], values.shape[1]
    sums = np.zeros((blocks, sets, measures))
    counts = np.zeros((blocks, sets, measures))
    for index in range(sets):
        inside = members[:, index]
        np.add.at(sums[:, index], block_of[inside], np.where(given, values, 0.0)[inside])
        np.add.at(counts[:, index], block_of[inside], given[inside])
    flat = np.concatenate([sums.reshape(blocks, -1), counts.reshape(blocks, -1)], axis=1)
    means = []
    half = sets * measures
    for weights in draws:
        totals = weights @ flat
        with np.errstate(divide="ignore", invalid="ignore"):
            means.append(totals[:, :half] / totals[:, half:])
    resampled = np.concatenate(means)
    too_few = (flat[:, half:] > 0).sum(axis=0) < 2
    resampled[:, too_few] = 0.0
    bounds = np.nanpercentile(resampled, [2.5, 97.5], axis=0)
    bounds[:, too_few] = np.nan
    return np.moveaxis(bounds.reshape(2, sets, measures), 0, -1)


def summarise(
    scores: pd.DataFrame, scored: pd.DataFrame, table: pd.DataFrame, units: np.ndarray
) -> dict[str, Any]:
    """overall, macro, per_format and per_type, each with the fields of method.md, section 4.

    Where the truth is known also ``truth.cued`` and ``truth.clean``: the types with a planted
    shortcut together, and those without.

    scores: one row a question (``scoring.bias_scores``, indexed by table position)
    scored: one row a (question, repeat), for means and standard deviations over folds
    units: (len(table),), what the bootstrap resamples
    """
    rows = scores.index.to_numpy()
    kinds = table["format"].to_numpy()[rows]
    types = table["question_type"].to_numpy()[rows]
    masks: dict[tuple[str, str], np.ndarray] = {("overall", ""): np.ones(len(rows), dtype=bool)}
    masks |= {("per_format", f): kinds == f for f in sorted(set(kinds))}
    masks |= {("per_type", t): types == t for t in sorted(set(types))}
    if "planted" in table:
        cued = np.isin(types, table.loc[table["planted"].astype(int) == 1, "question_type"])
        masks |= {("truth", "cued"): cued, ("truth", "clean"): ~cued}
    values = scores[[FIELDS[f] for f in WITH_INTERVAL]].to_numpy(dtype=float)
    members = np.stack(list(masks.values()), axis=1)
    intervals = bootstrap_intervals(values, members, units[rows])
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
    fields["adjusted"] = adjusted_mean(scores["s"], scores["baseline"])
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
    if np.isnan(np.float64(fields["adjusted"])):
        fields["adjusted_reason"] = (
            "no question has a score"
            if missing == len(scores)
            else "the baseline leaves nothing to gain (1 - b < 1e-9)"
        )
    return fields


def adjusted_mean(s: pd.Series, baseline: pd.Series) -> float:
    """(mean s - mean b) / (1 - mean b) of a set, over the questions that have a score."""
    return float(adjust(np.array(s.mean()), np.array(baseline.where(s.notna()).mean())))


def _macro(per_type: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Unweighted means over question types."""
    fields: dict[str, Any] = {"n": len(per_type)}
    for field in (*FIELDS, "adjusted"):
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
