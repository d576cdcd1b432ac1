"""One function per figure; each takes verified records and gives a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tst.analysis.experiments import Experiment
from tst.analysis.figures.style import (
    BASELINE,
    CYCLE,
    GREEN,
    PURPLE,
    SERIES,
    TUNED,
    ZERO_SHOT,
    finish_rows,
    new_figure,
)
from tst.analysis.report.distributions import reliability
from tst.analysis.report.experiment_data import describe_pruning
from tst.analysis.study import GROUPED, RANDOM, Study
from tst.analysis.tables.scores import DELTA, score_cells, score_columns
from tst.core.number_text import is_known
from tst.records.run_records import RunRecord

MARKERS = {RANDOM: "D", GROUPED: "s"}
FORMAT_COLORS = {"mc": TUNED, "num": GREEN, "open": PURPLE}


def draw_benchmarks(study: Study) -> Figure:
    """Benchmarks side by side: what text alone scores, over the baseline."""
    shown = [q for q in study.question_sets if any(map(q.is_of, study.found.records))]
    figure, (axes,) = new_figure(0.9 + 0.42 * len(shown))
    cells = [score_cells(study, questions, "hard") for questions in shown]
    places = np.arange(len(shown))
    baselines = [100 * c["baseline"].value for c in cells]
    axes.vlines(baselines, places - 0.28, places + 0.28, color=BASELINE, lw=2, label="baseline")
    series = [c for c in score_columns(study) if c.figure != DELTA]
    for column, color in zip(series, cycle(SERIES), strict=False):
        values = np.array([100 * c[column.key].value for c in cells])
        errors = np.array([100 * c[column.key].sd for c in cells])
        marker = "o" if column.subject.has_zero_shot else MARKERS[column.scheme]
        if np.isfinite(values).any():
            spread = np.where(np.isfinite(errors), errors, 0.0)
            axes.errorbar(values, places, xerr=spread, fmt=marker, color=color, label=column.title,
                          markersize=5, lw=1, mec="white", mew=0.5)  # fmt: skip
    labels = [questions.title for questions in shown]
    finish_rows(figure, axes, labels, "score, percent (± sd over folds)", legend_columns=5)
    return figure


def draw_types(record: RunRecord) -> Figure:
    """A record's question types, most exposed first: score with interval, baseline, zero-shot."""

    def adjusted(item: tuple[str, dict[str, Any]]) -> float:
        value = item[1]["adjusted_hard"]
        return float(value) if is_known(value) else -math.inf

    types = sorted(record.summary["per_type"].items(), key=adjusted, reverse=True)
    figure, (axes,) = new_figure(0.9 + 0.24 * len(types))
    places = np.arange(len(types))
    scores = 100 * np.array([t["score_hard"] for _, t in types], dtype=float)
    bounds = 100 * np.array([t["interval"]["score_hard"] for _, t in types], dtype=float)
    errors = np.clip(np.abs(bounds - scores[:, None]).T, 0, None)
    axes.barh(places, scores, color=TUNED, alpha=0.8, height=0.62, label="score, 95% interval")
    axes.errorbar(scores, places, xerr=errors, fmt="none", ecolor="#1b2330", lw=1)
    baselines = [100 * t["baseline"] for _, t in types]
    axes.vlines(baselines, places - 0.4, places + 0.4, color=BASELINE, lw=2, label="baseline")
    zero = np.array([t["zero_shot_hard"] for _, t in types], dtype=float)
    if np.isfinite(zero).any():
        axes.plot(100 * zero, places, "o", color=ZERO_SHOT, mec="white", ms=5, label="zero-shot")
    labels = [name for name, _ in types]
    finish_rows(figure, axes, labels, "score, percent", legend_columns=3)
    return figure


def draw_questions(record: RunRecord) -> Figure:
    """How biased single questions are: s(x), delta where it is known, calibration."""
    questions = record.questions
    has_delta = bool(questions["delta"].notna().any())
    calibrated = reliability(questions, "p_options")
    panels = 1 + has_delta + (calibrated is not None)
    figure, axes = new_figure(2.2, panels)
    _draw_histogram(axes[0], questions, "s", (0.0, 1.0), "s(x)")
    axes[0].legend(frameon=False, fontsize=7)
    if has_delta:
        _draw_histogram(axes[1], questions, "delta", (-1.0, 1.0), "delta(x)")
    if calibrated is not None:
        last = axes[-1]
        series = [(calibrated, TUNED, "tuned")]
        zero = reliability(questions, "p_options_zero_shot")
        series += [(zero, ZERO_SHOT, "zero-shot")] if zero else []
        last.plot([0, 1], [0, 1], ls=":", color=BASELINE)
        for entry, color, label in series:
            bins = pd.DataFrame(entry["bins"])
            name = f"{label}, ECE {100 * entry['ece']:.1f}"
            last.errorbar(bins["confidence"], bins["accuracy"], yerr=1.96 * bins["error"],
                          fmt="o-", color=color, ms=3, lw=1, label=name)  # fmt: skip
        last.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share right")
        last.legend(frameon=False, fontsize=7)
    return figure


def _draw_histogram(
    axes: Axes, questions: pd.DataFrame, column: str, span: tuple[float, float], label: str
) -> None:
    kinds = sorted(questions["format"].unique())
    values = [questions.loc[questions["format"] == k, column].dropna() for k in kinds]
    colors = [FORMAT_COLORS[k] for k in kinds]
    axes.hist(values, bins=20, range=span, stacked=True, color=colors, label=kinds)
    axes.set(xlabel=label, ylabel="questions", xlim=span)


def draw_pruning(experiments: Sequence[Experiment]) -> Figure | None:
    """What is left as questions go, one line a pruning; None without any."""
    curves = describe_pruning(list(experiments))
    if not curves:
        return None
    figure, (axes,) = new_figure(2.6)
    for index, curve in enumerate(curves):
        rows = pd.DataFrame(curve["curve"])
        axes.plot(rows["n"], 100 * rows["adjusted_hard"].astype(float), "o-", ms=3, lw=1.2,
                  color=CYCLE[index % len(CYCLE)], label=curve["name"])  # fmt: skip
    axes.invert_xaxis()
    axes.set(xlabel="questions left", ylabel="adjusted score, percent")
    axes.grid()
    axes.legend(frameon=False, fontsize=7)
    return figure
