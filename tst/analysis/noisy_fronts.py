"""Memorised against held-out clean loss: the front of a contender, and two of them at equal loss.

A point of a contender is a state of one of its runs: any learning rate, any time during training
(curve.parquet). Its front at a level of the clean loss is the least it had memorised when a run
first reached that level. Values between two measurements are interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tst.analysis.experiments import Experiment
from tst.analysis.noisy_groups import Variants
from tst.noisy_tuning.measures import Figures, over_seeds

LEVELS = 15
"""Levels of the clean loss at which a front is shown."""
SMOOTHED_OVER = 6
"""Steps of the running mean of a training loss: two rounds of a probe schedule."""


def read_curve(experiment: Experiment) -> pd.DataFrame:
    """curve.parquet by step: held_out, memorised, ..."""
    return pd.read_parquet(experiment.path / "curve.parquet").set_index("step", drop=False)


def read_training_loss(experiment: Experiment) -> pd.Series:
    """The running mean of a run's training loss, by step."""
    steps = pd.read_parquet(experiment.path / "steps.parquet", columns=["step", "loss"])
    return steps.set_index("step")["loss"].rolling(SMOOTHED_OVER, min_periods=1).mean()


def first_at(curve: pd.DataFrame, level: float, column: str) -> float:
    """A column of a curve when its held-out loss first falls to a level; NaN if it never does."""
    losses = curve["held_out"].to_numpy(dtype=float)
    values = curve[column].to_numpy(dtype=float)
    reached = np.flatnonzero(losses <= level)
    if not len(reached):
        return math.nan
    at = int(reached[0])
    if at == 0 or losses[at - 1] == losses[at]:
        return float(values[at])
    share = (losses[at - 1] - level) / (losses[at - 1] - losses[at])
    return float(values[at - 1] + share * (values[at] - values[at - 1]))


def curves_by_seed(variants: Variants) -> dict[int, list[pd.DataFrame]]:
    """Seed -> the curves of all of a contender's runs; seeds that every variant has."""
    seeds = set.intersection(*(set(by_seed) for by_seed in variants.values()))
    return {
        seed: [read_curve(by_seed[seed]) for by_seed in variants.values()] for seed in sorted(seeds)
    }


def front_at(curves: Sequence[pd.DataFrame], level: float) -> float:
    """The least memorised at a level of the clean loss over some runs; NaN if none reaches it."""
    found = [first_at(curve, level, "memorised") for curve in curves]
    known = [value for value in found if math.isfinite(value)]
    return min(known) if known else math.nan


def lowest_loss(curves: Sequence[pd.DataFrame]) -> float:
    """The lowest clean loss that any of some runs reaches."""
    return float(np.nanmin([curve["held_out"].min() for curve in curves]))


def gap_at_equal_loss(
    own: Mapping[int, Sequence[pd.DataFrame]], other: Mapping[int, Sequence[pd.DataFrame]]
) -> Figures:
    """How much more the first front memorises than the second, at the lowest loss that both reach.

    own, other: as of ``curves_by_seed``. ``over_seeds`` over the seeds of both, without those in
    which one side's loss is never lower than before training: nothing is learned at equal loss.
    """
    gaps = []
    for seed in sorted(own.keys() & other.keys()):
        lowest = max((own[seed], other[seed]), key=lowest_loss)
        level = lowest_loss(lowest)
        if level >= min(float(curve["held_out"].iloc[0]) for curve in lowest):
            continue
        gaps.append(front_at(own[seed], level) - front_at(other[seed], level))
    return over_seeds(gaps)


def front_table(fronts: Mapping[str, Variants]) -> pd.DataFrame:
    """Rows (contender, change): n, mean, low, high of what was memorised, over seeds.

    change: of the held-out clean loss since before training: the lowest that all seeds of a
    contender reach, and above it levels that are the same for all contenders, up to 0. Seeds hold
    out other pairs, so that their losses have other levels.
    """
    known = {
        contender: [list(map(_changes, own)) for own in curves_by_seed(variants).values()]
        for contender, variants in fronts.items()
    }
    best = {name: max(map(lowest_loss, curves)) for name, curves in known.items() if curves}
    common = np.linspace(min(best.values(), default=0.0), 0.0, LEVELS)
    rows: list[dict[str, object]] = []
    for contender, lowest in best.items():
        for level in (lowest, *common[common > lowest]):
            figures = over_seeds(front_at(own, float(level)) for own in known[contender])
            shown = {k: figures[k] for k in ("n", "mean", "low", "high")}
            rows.append({"optimizer": contender, "change": float(level), **shown})
    names = ["optimizer", "change", "n", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def _changes(curve: pd.DataFrame) -> pd.DataFrame:
    """A curve whose held-out loss is counted from where training began."""
    return curve.assign(held_out=curve["held_out"] - curve["held_out"].iloc[0])


def end_points(fronts: Mapping[str, Variants]) -> pd.DataFrame:
    """Rows (contender, learning rate, filter share): means over seeds at the end of training, with
    intervals: held_out, its change since before training and memorised, each with _low and _high.
    """
    rows: list[dict[str, object]] = []
    for contender, variants in fronts.items():
        for variant, by_seed in variants.items():
            row: dict[str, object] = {
                "optimizer": contender,
                "learning_rate": variant.learning_rate,
                "filter_share": variant.filter_share,
            }
            curves = [read_curve(experiment) for experiment in by_seed.values()]
            ends = {name: [c[name].iloc[-1] for c in curves] for name in ("held_out", "memorised")}
            ends["change"] = [_changes(curve)["held_out"].iloc[-1] for curve in curves]
            for name, values in ends.items():
                figures = over_seeds(map(float, values))
                row |= {"n": figures["n"], name: figures["mean"]}
                row |= {f"{name}_low": figures["low"], f"{name}_high": figures["high"]}
            rows.append(row)
    return pd.DataFrame(rows)
