"""What W&B is told of a noisy-tuning record: numbers by optimizer step, and its summary."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from tst.records.survey import NOISY, read_state
from tst.tracking import metric_names

PART = "steps"
AXES = {"*": "step"}
SIGNALS = ("loss", "confidence", "agar", "grad_norm")


def is_noisy(record: Path) -> bool:
    """Whether a record, outputs/noisy/<data>/<optimizer>/<scheme>/<hash>, is of noisy tuning."""
    return record.parts[-5] == NOISY


def finished_parts(record: Path) -> list[str]:
    """The run's one part, once its result is on disk."""
    return [PART] if read_state(record).state == "finished" else []


def step_rows(record: Path) -> list[dict[str, float]]:
    """A row a step (1 is the first): signals, also by kind of step, and the held-out loss then."""
    steps = pd.read_parquet(record / "steps.parquet")
    curve = pd.read_parquet(record / "curve.parquet").set_index("step")["held_out"]
    rows: list[dict[str, float]] = [{"step": 0, metric_names.HELD_OUT: float(curve[0])}]
    for step in steps.to_dict("records"):
        done = int(step["step"]) + 1
        row = {name: float(step[name]) for name in SIGNALS}
        row |= {f"{step['kind']}/{name}": value for name, value in row.items()}
        row["share"] = float(step["share"])
        if done in curve.index:
            row[metric_names.HELD_OUT] = float(curve[done])
        rows.append({"step": done} | {k: v for k, v in row.items() if math.isfinite(v)})
    return rows


def scalars(summary: dict[str, Any]) -> dict[str, float]:
    """summary.json as the run's summary; what could not be computed is left out."""
    parts = {f"{name}/": entry for name, entry in summary["detection"].items()}
    parts |= {f"{name}/": summary[name] for name in ("memorisation", "cost")}
    parts["training_loss/"] = summary["loss"]
    return {
        prefix + name: value
        for prefix, entry in parts.items()
        for name, value in entry.items()
        if isinstance(value, int | float)
    }
