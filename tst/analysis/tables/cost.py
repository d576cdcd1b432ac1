"""What runs cost: seconds, tokens, memory."""

from __future__ import annotations

import math

from tst.analysis.selection import Choice
from tst.analysis.study import Study, mean_figure
from tst.analysis.tables.paper_table import (
    COUNT,
    GIBIBYTES,
    SECONDS,
    Column,
    Figure,
    PaperTable,
    Row,
)
from tst.core.number_text import DASH
from tst.records.run_records import RunRecord

COLUMNS = [
    Column("folds_run", "folds run"),
    Column("seconds", "time"),
    Column("train", "of it training"),
    Column("tokens", "training tokens"),
    Column("memory", "peak memory"),
]


def cost_table(study: Study) -> PaperTable:
    """One row per (benchmark, diagnostic, fold scheme) with records."""
    rows = [Row(names, _cells(choice)) for names, choice in study.recorded_cells()]
    return PaperTable(
        "cost",
        "Cost of a run",
        "Seconds over all folds of a run, as the folds' own clocks add them up (folds trained side "
        f"by side count once each); mean over seeds. {DASH}: not counted.",
        ("benchmark", "diagnostic", "folds"),
        COLUMNS,
        rows,
    )


def _cells(choice: Choice) -> dict[str, Figure]:
    return {
        "folds_run": mean_figure(choice, lambda r: r.summary["folds"]["finished"], COUNT),
        "seconds": mean_figure(choice, total_seconds, SECONDS),
        "train": mean_figure(choice, training_seconds, SECONDS),
        "tokens": _where_known(choice, "train_tokens", COUNT),
        "memory": _where_known(choice, "peak_memory_bytes", GIBIBYTES),
    }


def total_seconds(record: RunRecord) -> float:
    """Seconds of all phases of a run; NaN where nothing was timed."""
    return _sum(record, "")


def training_seconds(record: RunRecord) -> float:
    """Seconds of its training phases: ``train*`` and ``fit*``."""
    return _sum(record, ("train", "fit"))


PART_OF_ANOTHER = ("train_compile_seconds",)
"""Seconds that are counted in another phase's."""


def _sum(record: RunRecord, prefixes: str | tuple[str, ...]) -> float:
    seconds = [
        value
        for key, value in record.summary.get("cost", {}).items()
        if key.endswith("seconds") and key.startswith(prefixes) and key not in PART_OF_ANOTHER
    ]
    return sum(seconds) if seconds else math.nan


def _where_known(choice: Choice, key: str, unit: str) -> Figure:
    """A counter of the runs' cost; a dash that needs no footnote where none was kept."""
    figure = mean_figure(choice, lambda record: record.summary.get("cost", {}).get(key), unit)
    return Figure(text=DASH) if figure.missing else figure
