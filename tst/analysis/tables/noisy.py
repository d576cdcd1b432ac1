"""Noisy instruction tuning: optimizer against optimizer, means over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tst.analysis.experiments import Experiment
from tst.analysis.noisy_groups import group_runs
from tst.analysis.tables.paper_table import (
    GIBIBYTES,
    NUMBER,
    SECONDS,
    Column,
    Figure,
    PaperTable,
    Row,
)

_AFTER, _SURE = "loss after", "confidence"
SOURCES: dict[str, tuple[Column, str, list[str]]] = {
    column.key: (column, unit, path.split("."))
    for column, unit, path in (
        (Column("held_out", "held-out clean", _AFTER), NUMBER, "memorisation.held_out_after"),
        (Column("clean", "train clean", _AFTER), NUMBER, "memorisation.train_clean_after"),
        (
            Column("corrupt", "train corrupted", _AFTER),
            NUMBER,
            "memorisation.train_corrupted_after",
        ),
        (Column("memorised", "memorised"), NUMBER, "memorisation.memorised"),
        (Column("sure_clean", "clean", _SURE), NUMBER, "detection.confidence.mean_clean"),
        (Column("sure_corrupt", "corrupted", _SURE), NUMBER, "detection.confidence.mean_corrupted"),
        (Column("auroc", "AUROC", _SURE), NUMBER, "detection.confidence.auroc"),
        (Column("auroc_loss", "AUROC", "loss"), NUMBER, "detection.loss.auroc"),
        (Column("seconds", "step"), SECONDS, "cost.step_seconds"),
        (Column("memory", "peak memory"), GIBIBYTES, "cost.peak_memory_bytes"),
    )
}
"""Column key -> column, unit, and where summary.json has the figure."""

COLUMNS = [column for column, _, _ in SOURCES.values()]


def noisy_table(experiments: Sequence[Experiment], notes: Sequence[str] = ()) -> PaperTable:
    """One row per (setting; optimizer); ± sd over seeds.

    notes: footnotes on records left out
    """
    groups, unusable = group_runs(experiments)
    sets = {
        (str(setting), optimizer): list(by_seed.values())
        for setting, runs in groups.items()
        for optimizer, by_seed in runs.items()
    }
    rows = [Row(labels, _cells(those)) for labels, those in sorted(sets.items())]
    return PaperTable(
        "noisy",
        "Noisy instruction tuning",
        "Losses: mean over pairs of the loss per target token, in nats. Memorised: how much more "
        "the loss of corrupted training pairs fell than that of corrupted pairs never trained on. "
        "AUROC: probability that a pure clean batch has the higher confidence than a pure "
        "corrupted one, and that the corrupted one has the higher loss; 0.5: no difference, above "
        "0.5: the expected direction. ± standard deviation over seeds.",
        ("setting", "optimizer"),
        COLUMNS,
        rows,
        [*notes, *unusable],
    )


def _cells(experiments: Sequence[Experiment]) -> dict[str, Figure]:
    seeds = tuple(sorted(int(e.summary["run"]["seed"]) for e in experiments))
    cells = {}
    for key, (_, unit, path) in SOURCES.items():
        values = np.array([e.figure(*path) for e in experiments])
        missing = bool(np.isnan(values).any())
        spread = len(values) > 1 and not missing and unit == NUMBER
        cells[key] = Figure(
            math.nan if missing else float(values.mean()),
            unit,
            sd=float(values.std(ddof=1)) if spread else math.nan,
            seeds=seeds,
            records=tuple(sorted(e.hash for e in experiments)),
            reason=_reason(experiments[0].summary, path) if missing else "",
        )
    return cells


def _reason(summary: dict[str, Any], path: list[str]) -> str:
    node = summary.get(path[0], {})
    inner = node.get(path[1], {}) if len(path) == 3 else node
    return str(inner.get("reason") or "not recorded") if isinstance(inner, dict) else "not recorded"
