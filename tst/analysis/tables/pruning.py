"""Pruning: what is left under a judge, and vision, blind and gap before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tst.analysis.experiments import Experiment, title_prunings
from tst.analysis.tables.paper_table import COUNT, PERCENT, POINTS, Column, Figure, PaperTable, Row
from tst.core.number_text import DASH, float_or_nan
from tst.records.run_records import subject

OURS, RANDOM = "ours", "random"

SOLVABILITY = [
    Column("n_removed", "gone"),
    Column("n", "left"),
    Column("score", "score"),
    Column("adjusted", "adjusted"),
    Column("difference", "ours − this, adjusted"),
]
GAPS = [
    Column("n", "answered"),
    Column("vision", "vision"),
    Column("blind", "blind"),
    Column("gap", "gap"),
    Column("change", "gap, change"),
]


def solvability_table(experiments: Sequence[Experiment], notes: Sequence[str] = ()) -> PaperTable:
    """One row per (pruning, judge, list of removed questions)."""
    rows = []
    for experiment, name in zip(experiments, _names(experiments), strict=True):
        for judged in experiment.summary.get("judged", []):
            judge = f"{subject(judged['label'], judged['model'])}, {judged['folds']} folds"
            block = (name, judge)
            ours = judged["lists"].get(OURS)
            for removed, entry in judged["lists"].items():
                labels = (*block, _list_name(removed, entry))
                rows.append(Row(labels, _list_cells(experiment, entry, ours)))
            if RANDOM in judged:
                rows.append(Row((*block, "at random"), _random_cells(experiment, judged[RANDOM])))
    return PaperTable(
        "pruning",
        "Pruning: what is left to be answered without looking",
        "Scores in percent of the questions that are left, re-diagnosed by the judge; 95% "
        "intervals from a bootstrap over groups. At random: as many of each type, mean ± standard "
        "deviation over draws. Lower is better.",
        ("pruning", "judge", "removed"),
        SOLVABILITY,
        rows,
        list(notes),
    )


def gap_table(experiments: Sequence[Experiment]) -> PaperTable:
    """One row per (pruning, model with vision, list of removed questions)."""
    rows = []
    for experiment, name in zip(experiments, _names(experiments), strict=True):
        for model, entry in experiment.summary.get("predictions", {}).items():
            block = (name, f"{model} (blind: {entry.get('blind', 'not known')})")
            overall = entry["overall"]
            before = overall["lists"]["before"]
            for removed, figures in overall["lists"].items():
                cells = _gap_cells(experiment, figures, before)
                rows.append(Row((*block, _LISTS.get(removed, removed)), cells))
            if RANDOM in overall:
                cells = _random_gap_cells(experiment, overall[RANDOM], before)
                rows.append(Row((*block, "at random"), cells))
    return PaperTable(
        "pruning_gap",
        "Pruning: scores with and without vision",
        "Scores in percent on the questions that are left; gap = vision − blind, its change in "
        "points. At random: as many of each type, mean ± standard deviation over draws.",
        ("pruning", "answers", "removed"),
        GAPS,
        rows,
    )


_LISTS = {"before": "nothing", "after": "ours"}


def _list_name(name: str, entry: dict[str, Any]) -> str:
    label = _LISTS.get(name, name)
    if not entry.get("removed"):
        return label
    doubts = {False: " (not independent)", None: " (chooser not known)"}
    return label + doubts.get(entry.get("independent", True), "")


def _list_cells(
    experiment: Experiment, entry: dict[str, Any], ours: dict[str, Any] | None
) -> dict[str, Figure]:
    """Cells of ``SOLVABILITY`` for a named list."""
    difference = Figure(text=DASH)
    if ours is not None and "difference" in entry:
        value = float(ours["adjusted_hard"]) - float(entry["adjusted_hard"])
        low, high = entry["difference"]["adjusted_hard"]
        difference = Figure(value, POINTS, interval=(low, high))
    cells = {
        "n_removed": Figure(entry["removed"], COUNT),
        "n": Figure(entry["n"], COUNT),
        "score": _figure(entry, "score_hard"),
        "adjusted": _figure(entry, "adjusted_hard"),
        "difference": difference,
    }
    return _from(experiment, cells)


def _random_cells(experiment: Experiment, bands: dict[str, Any]) -> dict[str, Figure]:
    cells = {
        "n_removed": Figure(text=_draws(bands["adjusted_hard"])),
        "n": Figure(text=DASH),
        "score": _band(bands["score_hard"]),
        "adjusted": _band(bands["adjusted_hard"]),
        "difference": Figure(text=DASH),
    }
    return _from(experiment, cells)


def _gap_cells(
    experiment: Experiment, figures: dict[str, Any], before: dict[str, Any]
) -> dict[str, Figure]:
    """Cells of ``GAPS`` for a named list."""
    change = Figure(float_or_nan(figures.get("gap_change")), POINTS, reason="no blind scores")
    cells = {
        "n": Figure(figures["n"], COUNT),
        "vision": Figure(float_or_nan(figures["vision"])),
        "blind": Figure(float_or_nan(figures["blind"]), reason="no blind scores"),
        "gap": Figure(float_or_nan(figures["gap"]), POINTS, reason="no blind scores"),
        "change": Figure(text=DASH) if figures is before else change,
    }
    return _from(experiment, cells)


def _random_gap_cells(
    experiment: Experiment, bands: dict[str, Any], before: dict[str, Any]
) -> dict[str, Figure]:
    change = float_or_nan(bands["gap"]["mean"]) - float_or_nan(before["gap"])
    cells = {
        "n": Figure(text=_draws(bands["vision"])),
        "vision": _band(bands["vision"]),
        "blind": _band(bands["blind"]),
        "gap": _band(bands["gap"], POINTS),
        "change": Figure(change, POINTS, reason="no blind scores"),
    }
    return _from(experiment, cells)


def _figure(entry: dict[str, Any], field: str) -> Figure:
    low, high = entry["interval"][field]
    return Figure(float_or_nan(entry[field]), interval=(float_or_nan(low), float_or_nan(high)))


def _band(band: dict[str, Any], unit: str = PERCENT) -> Figure:
    return Figure(
        float_or_nan(band["mean"]), unit, sd=float_or_nan(band["sd"]), reason="no blind scores"
    )


def _from(experiment: Experiment, cells: dict[str, Figure]) -> dict[str, Figure]:
    return {k: replace(figure, records=(experiment.hash,)) for k, figure in cells.items()}


def _names(experiments: Sequence[Experiment]) -> list[str]:
    """Benchmark, number of removed questions and chooser of each."""
    names = []
    for experiment, title in zip(experiments, title_prunings(experiments), strict=True):
        summary = experiment.summary
        who = subject(summary["label"], summary["model"])
        names.append(f"{title}, {summary['pruning']['removed']} by {who}")
    return names


def _draws(band: Mapping[str, Any]) -> str:
    return "1 draw" if band["draws"] == 1 else f"{band['draws']} draws"
