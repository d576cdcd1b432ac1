"""How certain a mean is: intervals from a bootstrap over groups, and clustered standard errors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tst.core.folds import FoldPlan
from tst.core.questions import COPIES, GROUP_PREFIX, QuestionTable, coarsest_column

RESAMPLES = 10_000
MAX_BLOCKS = 2_048
"""More groups than this are merged at random into this many blocks before resampling; the variance
of a mean over blocks estimates that over groups without bias, and memory stays linear."""

MAX_COUNTS = 4_000_000
"""Counts that are held at once: resamples of a chunk times blocks."""

DRAWN_AT_ONCE = 8_192
"""Draws at a time: as many as the processor's cache holds. How many changes no draw."""

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
    chunk = max(1, min(resamples, MAX_COUNTS // blocks))
    at_once = max(1, DRAWN_AT_ONCE // blocks)
    offsets = blocks * np.arange(at_once)[:, None]

    def draws() -> Iterator[np.ndarray]:
        for start in range(0, resamples, chunk):
            counts = np.empty((min(chunk, resamples - start), blocks), dtype=np.int64)
            for first in range(0, len(counts), at_once):
                rows = counts[first : first + at_once]
                drawn = rng.integers(0, blocks, rows.shape) + offsets[: len(rows)]
                rows[:] = np.bincount(drawn.ravel(), minlength=rows.size).reshape(rows.shape)
            yield counts

    return block_of, draws()


def bootstrap_intervals(
    values: np.ndarray,
    members: np.ndarray,
    units: np.ndarray,
    seed: int = 0,
    resamples: int = RESAMPLES,
    per: np.ndarray | None = None,
) -> np.ndarray:
    """95% percentile intervals of means over sets of questions, resampling whole groups.

    values: (n, m) float, m measures a question; NaN where not measured
    members: (n, sets) bool, which question is in which set
    units: (n,) group of each question
    per: (n, m) what the sums of values are divided by the sums of; None: 1 each, which gives means
    Returns (sets, m, 2). A set's mean is the ratio of its resampled sums, so measures that
    are differences are paired; it is NaN where fewer than two blocks hold its values. Cluster
    bootstrap: Davison and Hinkley (1997), section 3.8.
    """
    block_of, draws = resample_groups(units, seed, resamples)
    blocks = int(block_of.max()) + 1
    given = np.isfinite(values)
    divisor = given if per is None else np.where(given, per, 0.0)
    sets, measures = members.shape[1], values.shape[1]
    sums = np.zeros((blocks, sets, measures))
    counts = np.zeros((blocks, sets, measures))
    for index in range(sets):
        inside = members[:, index]
        np.add.at(sums[:, index], block_of[inside], np.where(given, values, 0.0)[inside])
        np.add.at(counts[:, index], block_of[inside], divisor[inside])
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


def bootstrap_column(table: QuestionTable, plan: FoldPlan) -> str | None:
    """The column whose values intervals resample: the folds' groups, else the coarsest declared.

    A column with a single group is passed over, as there is nothing to resample.
    """
    if plan.group_by is not None:
        return GROUP_PREFIX + plan.group_by
    return coarsest_column(table.frame, [GROUP_PREFIX + group for group in table.groups])


def bootstrap_units(table: QuestionTable, plan: FoldPlan) -> np.ndarray:
    """What intervals resample: values of ``bootstrap_column``, else sets of circular copies, else
    each question for itself.
    """
    column = bootstrap_column(table, plan)
    if column is not None:
        return table.frame[column].to_numpy()
    return plan.units if COPIES in table.frame else np.arange(len(table.frame))


def clustered_standard_error(values: np.ndarray, units: np.ndarray) -> float:
    """Standard error of a mean whose values are dependent within units (Cameron et al., 2008).

    NaN for fewer than two units: one says nothing of how they differ.
    """
    labels = np.unique(units.astype(str), return_inverse=True)[1]
    sums = np.bincount(labels, weights=values - values.mean())
    groups = len(sums)
    if groups < 2:
        return float("nan")
    return float(np.sqrt(groups / (groups - 1) * (sums**2).sum()) / len(values))
