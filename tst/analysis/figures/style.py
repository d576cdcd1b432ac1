"""How the figures look, and how they are saved."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tst.records.files import replacing

TUNED, ZERO_SHOT, BASELINE = "#2f6fde", "#e2852b", "#7d8797"
GREEN, PURPLE, RED = "#1f9d6b", "#b765c9", "#d0485b"
CYCLE = (TUNED, ZERO_SHOT, GREEN, PURPLE, RED, BASELINE)
SERIES = (ZERO_SHOT, TUNED, GREEN, PURPLE, RED, "#8a6d3b")
"""Of the diagnostics' scores side by side, in the order of the main table's columns."""
WIDTH = 5.5
"""Inches: the text width of most conference papers."""

SETTINGS: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e3e6ea",
    "pdf.fonttype": 42,  # text stays text
}


def new_figure(height: float, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of the paper's width, and its axes row by row."""
    with mpl.rc_context(SETTINGS):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    return figure, axes


def finish_rows(
    figure: Figure, axes: Axes, labels: Sequence[str], xlabel: str, legend_columns: int
) -> None:
    """A chart of one row per label, the first on top, over percentages from 0 to 100."""
    axes.set(yticks=range(len(labels)), yticklabels=labels, xlim=(0, 100), xlabel=xlabel)
    axes.invert_yaxis()
    axes.grid(axis="x")
    figure.legend(loc="outside upper center", ncols=legend_columns, frameon=False, fontsize=7)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a PDF or, by the path's suffix, a PNG, atomically; same figure, same bytes."""
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    form = path.suffix.removeprefix(".")
    stamp = {"CreationDate": None} if form == "pdf" else {"Software": None}
    with mpl.rc_context(SETTINGS), replacing(path) as temporary:
        figure.savefig(temporary, format=form, dpi=200, metadata=stamp)
