"""Figures of a pruning: the curve, and answers and types before and after."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tst.pruning.loop import Iteration, Pruning
from tst.records.files import replacing

BEFORE, AFTER = "#b8b8b8", "#1f6fb2"
MAX_PANELS = 30
MAX_BARS = 12


def write_figures(folder: Path, frame: pd.DataFrame, pruning: Pruning) -> None:
    """curve.png, types.png and answers.png."""
    for name, figure in (
        ("curve", draw_curve(pruning.iterations)),
        ("types", draw_types(frame, pruning.kept)),
        ("answers", draw_answers(frame, pruning.kept)),
    ):
        with replacing(folder / f"{name}.png") as path:
            figure.savefig(path, dpi=130, format="png")


def draw_curve(iterations: list[Iteration]) -> Figure:
    """The chooser's scores of the remaining questions, by the number of removed ones."""
    removed = np.cumsum([0, *(len(it.removed) for it in iterations)])[: len(iterations)]
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for field, label, color in (
        ("score_hard", "score", AFTER),
        ("baseline", "baseline", BEFORE),
        ("adjusted_hard", "adjusted", "#c2571a"),
    ):
        values = [100 * getattr(it, field) for it in iterations]
        axes.plot(removed, values, label=label, color=color, marker=".", markersize=4)
    axes.set_xlabel("questions removed")
    axes.set_ylabel("chooser's score of the remaining questions (%)")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def draw_types(frame: pd.DataFrame, kept: np.ndarray) -> Figure:
    """Questions of each type before and after."""
    before = frame["question_type"].value_counts().sort_index()
    after = frame["question_type"].iloc[kept].value_counts().reindex(before.index, fill_value=0)
    height = 1.2 + 0.28 * len(before)
    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(before))
    axes.barh(places, before, color=BEFORE, label="before")
    axes.barh(places, after, height=0.45, color=AFTER, label="after")
    axes.set_yticks(places, [str(name) for name in before.index], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("questions")
    axes.legend(frameon=False)
    return figure


def draw_answers(frame: pd.DataFrame, kept: np.ndarray) -> Figure:
    """Distribution of gold answers per type, before and after, as shares."""
    is_kept = np.zeros(len(frame), dtype=bool)
    is_kept[kept] = True
    groups = list(frame.assign(is_kept=is_kept).groupby(["question_type", "format"], sort=True))
    groups = groups[:MAX_PANELS]
    columns = min(4, len(groups))
    rows = -(-len(groups) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.3 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, ((name, kind), part) in zip(grid.flat, groups, strict=False):
        _draw_part(axes, str(kind), part)
        axes.set_title(str(name)[:34], fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in grid.flat[len(groups) :]:
        axes.axis("off")
    figure.supylabel("share of the type's questions (grey: before)", fontsize=8)
    return figure


def _draw_part(axes: Axes, kind: str, part: pd.DataFrame) -> None:
    kept = part["is_kept"].to_numpy()
    if kind == "num":
        values = part["answer"].astype(float).to_numpy()
        inner = np.clip(values, *np.quantile(values, [0.01, 0.99]))
        edges = np.histogram_bin_edges(inner, 20).tolist()
        values = np.clip(values, edges[0], edges[-1])
        axes.hist(values, edges, weights=_shares(values), color=BEFORE)
        axes.hist(values[kept], edges, weights=_shares(values[kept]), color=AFTER, histtype="step")
        return
    labels = [_label(kind, answer) for answer in part["answer"]]
    counts = Counter(labels)
    names = sorted(counts) if kind == "mc" else [n for n, _ in counts.most_common(MAX_BARS)]
    places = np.arange(len(names))
    after = Counter(label for label, keep in zip(labels, kept, strict=True) if keep)
    total = max(1, sum(after.values()))
    axes.bar(places, [counts[n] / len(labels) for n in names], color=BEFORE)
    axes.bar(places, [after[n] / total for n in names], width=0.45, color=AFTER)
    axes.set_xticks(places, names, rotation=0 if kind == "mc" else 60)


def _label(kind: str, answer: object) -> str:
    if kind == "mc":
        return chr(ord("A") + int(str(answer)))
    return str(answer[0] if isinstance(answer, list) else answer)[:12]


def _shares(values: np.ndarray) -> np.ndarray:
    return np.full(len(values), 1.0 / max(1, len(values)))
