"""Figures of one setting: losses over training, confidence by kind of step, what was memorised."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tst.drawing.style import BASELINE, CYCLE, SETTINGS, WIDTH
from tst.noisy_tuning.measures import PARTS
from tst.noisy_tuning.schedule import KINDS
from tst.noisy_tuning.study import Runs
from tst.reading.experiments import Experiment

SMOOTHED_OVER = 6
"""Steps of the running mean of the training loss: two rounds of a probe schedule."""
PART_NAMES = {
    "held_out": "held-out clean",
    "train_clean": "training, clean",
    "train_corrupted": "training, corrupted",
}


def draw_losses(runs: Runs) -> Figure:
    """Training loss (running mean over steps) and held-out clean loss, mean and range of seeds."""
    figure, (left, right) = _axes(2)
    for colour, (optimizer, by_seed) in zip(CYCLE, runs.items(), strict=False):
        _band(left, optimizer, colour, [_smooth(_steps(e)) for e in by_seed.values()])
        _band(right, optimizer, colour, [_curve(e) for e in by_seed.values()])
    for axes, title in ((left, "training loss"), (right, "held-out clean loss")):
        axes.set(title=title, xlabel="step", ylabel="nats a target token")
    left.legend(frameon=False)
    return figure


def draw_confidence(runs: Runs) -> Figure:
    """Confidence by kind of step, one column an optimizer: distributions, and over training."""
    known = {o: _all_steps(by_seed) for o, by_seed in runs.items()}
    known = {o: steps for o, steps in known.items() if steps["confidence"].notna().any()}
    figure, panels = _axes(max(1, len(known)), rows=2)
    for column, (optimizer, steps) in enumerate(known.items()):
        above, below = panels[column], panels[column + len(known)]
        edges = np.histogram_bin_edges(steps["confidence"].dropna(), 24).tolist()
        for colour, kind in zip(CYCLE, KINDS, strict=False):
            part = steps[(steps["kind"] == kind) & steps["confidence"].notna()]
            if len(part):
                above.hist(part["confidence"], edges, density=True, histtype="stepfilled",
                           alpha=0.45, color=colour, label=kind)  # fmt: skip
                above.axvline(float(part["confidence"].mean()), color=colour, linewidth=1.5)
                below.scatter(part["step"], part["confidence"], s=6, color=colour, linewidths=0)
        above.set(title=optimizer, xlabel="confidence of a step", ylabel="density")
        below.set(xlabel="step", ylabel="confidence")
        above.legend(frameon=False)
    if not known:
        panels[0].text(0.5, 0.5, "no optimizer here has a confidence", ha="center")
        for axes in panels:
            axes.set_axis_off()
    return figure


def draw_memorisation(runs: Runs) -> Figure:
    """Loss of held-out, clean and corrupted training pairs, before and after, by optimizer."""
    figure, (axes,) = _axes(1)
    places = np.arange(len(PARTS))
    width = 0.8 / (len(runs) + 1)
    bars: dict[str, list[list[float]]] = {}
    for by_seed in runs.values():
        bars.setdefault("before", []).extend(_losses(by_seed, "before"))
    for optimizer, by_seed in runs.items():
        bars[f"after {optimizer}"] = _losses(by_seed, "after")
    for index, (name, values) in enumerate(bars.items()):
        colour = BASELINE if name == "before" else CYCLE[(index - 1) % len(CYCLE)]
        means = np.mean(values, axis=0)
        spread = np.std(values, axis=0, ddof=1) if len(values) > 1 else None
        axes.bar(places + index * width, means, width, yerr=spread, color=colour, label=name)
    middle = places + width * (len(bars) - 1) / 2
    axes.set_xticks(middle, [PART_NAMES[part] for part in PARTS])
    axes.set(ylabel="nats a target token", title="loss before and after training")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


FIGURES: dict[str, Callable[[Runs], Figure]] = {
    "losses": draw_losses,
    "confidence": draw_confidence,
    "memorisation": draw_memorisation,
}


def _axes(columns: int, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of the paper's width, and its panels row by row."""
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, 2.3 * rows), layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    return figure, panels


def _band(axes: Axes, label: str, colour: str, lines: list[pd.Series]) -> None:
    """The mean of several lines over their common x, and their range."""
    together = pd.concat(lines, axis=1, join="inner")
    x = together.index.to_numpy()
    axes.plot(x, together.mean(axis=1), color=colour, label=label)
    axes.fill_between(x, together.min(axis=1), together.max(axis=1), color=colour, alpha=0.15)


def _steps(experiment: Experiment) -> pd.DataFrame:
    return pd.read_parquet(experiment.path / "steps.parquet")


def _all_steps(by_seed: Mapping[int, Experiment]) -> pd.DataFrame:
    return pd.concat([_steps(e) for e in by_seed.values()], ignore_index=True)


def _smooth(steps: pd.DataFrame) -> pd.Series:
    return steps.set_index("step")["loss"].rolling(SMOOTHED_OVER, min_periods=1).mean()


def _curve(experiment: Experiment) -> pd.Series:
    return pd.read_parquet(experiment.path / "curve.parquet").set_index("step")["held_out"]


def _losses(by_seed: Mapping[int, Experiment], when: str) -> list[list[float]]:
    return [
        [e.summary["memorisation"][f"{part}_{when}"] for part in PARTS] for e in by_seed.values()
    ]
