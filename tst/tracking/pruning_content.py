"""What W&B is told of a pruning: its curve by iteration, and what judges and answers say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tst.records.survey import PRUNE
from tst.tracking import metric_names

AXES = {"*": "iteration"}
CURVE = ("iteration", "n", "removed_before", "removed", "score_hard", "score_soft", "baseline",
         "adjusted", "highest", "lowest_removed", "seconds")  # fmt: skip
FIELDS = ("score_hard", "adjusted")
GAPS = ("vision", "blind", "gap")


def is_pruning(record: Path) -> bool:
    """Whether a record, outputs/prune/<benchmark>/<diagnostic>/<hash>, is of a pruning."""
    return record.parts[-4] == PRUNE


def finished_parts(record: Path) -> list[str]:
    """The iterations that are done, by number."""
    return [str(number) for number in _iterations(record).get("iteration", [])]


def iteration_row(record: Path, name: str) -> list[dict[str, float]]:
    """One diagnosis of what remained, and how many went because of it."""
    table = _iterations(record)
    (row,) = table.loc[table["iteration"] == int(name), list(CURVE)].to_dict("records")
    return [{str(key): float(value) for key, value in row.items() if math.isfinite(value)}]


def scalars(summary: dict[str, Any]) -> dict[str, float]:
    """summary.json as the run's summary; what could not be computed is left out."""
    found = dict(_scalars(summary))
    return {k: v for k, v in found.items() if isinstance(v, int | float) and math.isfinite(v)}


def _scalars(summary: dict[str, Any]) -> Iterator[tuple[str, float]]:
    done = summary["pruning"]
    for field in ("budget", "removed", "kept", "seconds"):
        yield field, done[field]
    for state in ("before", "after"):
        for field in FIELDS:
            yield f"{state}/{field}", done[state][field]
    for field, value in done.get("planted", {}).items():
        yield f"planted/{field}", value
    for judged in summary["judged"]:
        prefix = f"judged/{judged['judge']}/{judged['folds']}"
        for name, entry in judged["lists"].items():
            for field in FIELDS:
                key = f"{prefix}/{metric_names.key_part(name)}/{field}"
                low, high = entry["interval"][field]
                yield from ((key, entry[field]), (f"{key}_low", low), (f"{key}_high", high))
        for field in FIELDS if "random" in judged else ():
            for figure in ("mean", "low", "high"):
                yield f"{prefix}/random/{field}_{figure}", judged["random"][field][figure]
    for model, entry in summary["predictions"].items():
        prefix = f"predictions/{metric_names.key_part(model)}"
        for name, figures in entry["overall"]["lists"].items():
            for field in GAPS:
                yield f"{prefix}/{metric_names.key_part(name)}/{field}", figures[field]


def _iterations(record: Path) -> pd.DataFrame:
    path = record / "iterations.csv"
    return pd.read_csv(path) if path.exists() else pd.DataFrame()
