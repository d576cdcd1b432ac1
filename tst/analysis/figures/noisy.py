"""Figures of one setting: losses over training, confidence by kind of step, what was memorised."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tst.analysis.experiments import Experiment
from tst.analysis.figures.style import BASELINE, CYCLE, new_figure
from tst.analysis.noisy_fronts import end_points, front_table, read_curve, read_training_loss
from tst.analysis.noisy_groups import Runs, Variants
from tst.noisy_tuning.measures import PARTS
from tst.noisy_tuning.schedule import KINDS

PART_NAMES = {
    "held_out": "held-out,\nclean",
    "train_clean": "training,\nclean",
    "train_corrupted": "training,\ncorrupted",
}


def draw_losses(runs: Runs) -> Figure:
    """Training loss (running mean over steps) and held-out clean loss, mean and range of seeds."""
    figure, (left, right) = new_figure(2.3, 2)
    for colour, (optimizer, by_seed) in zip(CYCLE, runs.items(), strict=False):
        _band(left, optimizer, colour, [read_training_loss(e) for e in by_seed.values()])
        _band(right, optimizer, colour, [read_curve(e)["held_out"] for e in by_seed.values()])
    for axes, title in ((left, "training loss"), (right, "held-out clean loss")):
        axes.set_title(title, fontsize=8)
        axes.set(xlabel="step", ylabel="nats per target token")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3,
                  frameon=False, fontsize=7)  # fmt: skip
    return figure


def draw_confidence(runs: Runs) -> Figure:
    """Confidence by kind of step, one column an optimizer.

    Distributions, those of its distance from the mean of the step's round (free of the trend over
    training), and all of it over training.
    """
    known = {o: _all_steps(by_seed) for o, by_seed in runs.items()}
    known = {o: steps for o, steps in known.items() if steps["confidence"].notna().any()}
    columns = max(1, len(known))
    figure, panels = new_figure(5.4, columns, rows=3)
    for column, (optimizer, steps) in enumerate(known.items()):
        whole, in_round, course = panels[column::columns]
        _histogram(whole, steps, "confidence")
        _histogram(in_round, steps, "in_round")
        whole.set_title(optimizer, fontsize=8)
        whole.set(xlabel="confidence of a step")
        in_round.set(xlabel="confidence - mean of the round")
        for colour, kind in zip(CYCLE, KINDS, strict=False):
            part = steps[steps["kind"] == kind]
            course.scatter(part["step"], part["confidence"], s=6, color=colour, linewidths=0)
        course.set(xlabel="step", ylabel="confidence")
        if column == 0:
            figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=7,
                          handles=whole.get_legend_handles_labels()[0])  # fmt: skip
    if not known:
        panels[0].text(0.5, 0.5, "no optimizer here has a confidence", ha="center")
        for axes in panels:
            axes.set_axis_off()
    return figure


def _histogram(axes: Axes, steps: pd.DataFrame, column: str) -> None:
    """A column of the steps by their kind, with means; a round far from the others is off it."""
    steps = steps[np.isfinite(steps[column])]
    low, high = steps[column].quantile([0.02, 0.98])
    span = (float(low), float(high)) if column == "in_round" else None
    edges = np.histogram_bin_edges(steps[column], 24, span).tolist()
    for colour, kind in zip(CYCLE, KINDS, strict=False):
        values = steps.loc[steps["kind"] == kind, column]
        if len(values):
            axes.hist(values, edges, density=True, histtype="stepfilled", alpha=0.45, color=colour,
                      label=f"{kind} steps")  # fmt: skip
            axes.axvline(float(values.mean()), color=colour, linewidth=1.5)
    axes.set(ylabel="density")


def draw_memorisation(runs: Runs) -> Figure:
    """Losses of clean, corrupted and held-out pairs, means and sd of seeds; runs, two of these."""
    figure, (bars, points) = new_figure(2.6, 2)
    before = [pair for by_seed in runs.values() for pair in _losses(by_seed, "before")]
    series = {"before": before} | {f"after {o}": _losses(r, "after") for o, r in runs.items()}
    width = 0.8 / len(series)
    for index, (name, values) in enumerate(series.items()):
        colour = BASELINE if name == "before" else CYCLE[(index - 1) % len(CYCLE)]
        spread = np.std(values, axis=0, ddof=1) if len(values) > 1 else None
        places = np.arange(len(PARTS)) + index * width
        bars.bar(places, np.mean(values, axis=0), width, yerr=spread, color=colour, label=name)
        clean, corrupted, _ = zip(*values, strict=True)
        points.scatter(clean, corrupted, s=14, color=colour, linewidths=0)
    middle = np.arange(len(PARTS)) + width * (len(series) - 1) / 2
    bars.set_xticks(middle, [PART_NAMES[part] for part in PARTS])
    bars.set(ylabel="nats per target token")
    points.set(xlabel="loss on clean training pairs", ylabel="loss on corrupted ones")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=7)
    return figure


def draw_fronts(fronts: Mapping[str, Variants]) -> Figure:
    """What was memorised against the change of the held-out clean loss: a line per contender, with
    its 95% interval over seeds, and the end of training with each learning rate. Ends above the
    loss before training are left out: they would squeeze all others.
    """
    figure, (axes,) = new_figure(3.2, 1)
    table, ends = front_table(fronts), end_points(fronts)
    ends = ends[ends["change"] <= 0]
    for colour, contender in zip(CYCLE, fronts, strict=False):
        own, end = (frame[frame["optimizer"] == contender] for frame in (table, ends))
        axes.plot(own["change"], own["mean"], color=colour, label=contender)
        axes.fill_between(own["change"], own["low"], own["high"], color=colour, alpha=0.15)
        axes.scatter(end["change"], end["memorised"], s=14, color=colour, linewidths=0)
        for _, row in end.iterrows():
            axes.annotate(f"{row['learning_rate']:.0e}", (row["change"], row["memorised"]),
                          fontsize=5, color=colour, xytext=(2, 2),
                          textcoords="offset points")  # fmt: skip
    axes.set(xlabel="change of the loss on held-out clean pairs, nats per target token",
             ylabel="memorised, nats")  # fmt: skip
    axes.set_title("without ends above the loss before training", fontsize=6, loc="right")
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=7)
    return figure


FIGURES: dict[str, Callable[[Runs], Figure]] = {
    "losses": draw_losses,
    "confidence": draw_confidence,
    "memorisation": draw_memorisation,
}


def _band(axes: Axes, label: str, colour: str, lines: list[pd.Series]) -> None:
    """The mean of several lines over their common x, and their range."""
    together = pd.concat(lines, axis=1, join="inner")
    x = together.index.to_numpy()
    axes.plot(x, together.mean(axis=1), color=colour, label=label)
    axes.fill_between(x, together.min(axis=1), together.max(axis=1), color=colour, alpha=0.15)


def _all_steps(by_seed: Mapping[int, Experiment]) -> pd.DataFrame:
    """Steps of all seeds, with their confidence less the mean of the round (``in_round``)."""
    steps = [
        pd.read_parquet(e.path / "steps.parquet").assign(seed=seed) for seed, e in by_seed.items()
    ]
    together = pd.concat(steps, ignore_index=True)
    rounds = together.groupby(["seed", together["step"] // len(KINDS)])["confidence"]
    return together.assign(in_round=together["confidence"] - rounds.transform("mean"))


def _losses(by_seed: Mapping[int, Experiment], when: str) -> list[list[float]]:
    """Per seed the losses of PARTS; NaN where a part has no pairs or training diverged."""
    names = [f"{part}_{when}" for part in PARTS]
    return [[e.figure("memorisation", name) for name in names] for e in by_seed.values()]
