"""Curves of pruning and of noisy tuning for the report."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tst.analysis.experiments import Experiment, title_prunings
from tst.analysis.noisy_groups import group_runs

CURVE = ("n", "score_hard", "adjusted_hard", "baseline")
SMOOTHED_OVER = 5
"""Steps of the running mean of training losses."""


def describe_pruning(experiments: list[Experiment]) -> list[dict[str, Any]]:
    """A curve a pruning record: the percentage removed against the scores of what remains."""
    described = []
    for experiment, name in zip(experiments, title_prunings(experiments), strict=True):
        path = experiment.path / "iterations.csv"
        if not path.exists():
            continue
        curve = pd.read_csv(path)
        shown = curve[[c for c in CURVE if c in curve]]
        before = float(curve["n"].iloc[0])
        shown = shown.assign(removed=100.0 * (before - curve["n"]) / before)
        described.append(
            {
                "name": f"{name}, record {experiment.hash}",
                "note": f"{int(curve['n'].iloc[0])} questions, {int(curve['n'].iloc[-1])} kept",
                "curve": json.loads(shown.to_json(orient="records")),
            }
        )
    return described


def describe_noisy(experiments: list[Experiment]) -> list[dict[str, Any]]:
    """Per setting two charts: training loss, and loss on held-out clean pairs, by optimizer."""
    charts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    groups, _ = group_runs(experiments)
    for setting, optimizer, seed, experiment in (
        (str(setting), optimizer, seed, experiment)
        for setting, runs in groups.items()
        for optimizer, by_seed in runs.items()
        for seed, experiment in by_seed.items()
    ):
        line = {"optimizer": optimizer, "seed": f"seed {seed}"}
        steps = pd.read_parquet(experiment.path / "steps.parquet", columns=["step", "loss"])
        smooth = steps["loss"].rolling(SMOOTHED_OVER, min_periods=1).mean()
        curve = pd.read_parquet(experiment.path / "curve.parquet")
        for name, x, y in (
            ("training loss", steps["step"], smooth),
            ("held-out clean loss", curve["step"], curve["held_out"]),
        ):
            rows = charts.setdefault((setting, name), [])
            rows += [
                {"step": int(s), "loss": round(float(v), 4), **line}
                for s, v in zip(x, y, strict=True)
            ]
    notes = {"training loss": f"running mean over {SMOOTHED_OVER} steps", "held-out clean loss": ""}
    return [
        {"name": f"{setting}: {name}", "note": notes[name], "rows": rows}
        for (setting, name), rows in charts.items()
    ]
