"""Curves of pruning and of noisy tuning for the report."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from tst.analysis.experiments import Experiment, title_prunings
from tst.analysis.noisy_fronts import SMOOTHED_OVER, read_curve, read_training_loss
from tst.analysis.noisy_groups import group_runs

CURVE = ("n", "score_hard", "adjusted_hard", "baseline")


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
        losses = {
            "training loss": read_training_loss(experiment),
            "held-out clean loss": read_curve(experiment)["held_out"],
        }
        for name, of_step in losses.items():
            charts.setdefault((setting, name), []).extend(
                {"step": step, "loss": round(loss, 4), **line}
                for step, loss in zip(of_step.index.tolist(), of_step.tolist(), strict=True)
            )
    notes = {"training loss": f"running mean over {SMOOTHED_OVER} steps", "held-out clean loss": ""}
    return [
        {"name": f"{setting}: {name}", "note": notes[name], "rows": rows}
        for (setting, name), rows in charts.items()
    ]
