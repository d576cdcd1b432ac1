"""A run's tables and the parts of its summary.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tst.diagnostics.llm.settings import model_slug
from tst.noisy_tuning.data import PairTable
from tst.noisy_tuning.measures import detection
from tst.noisy_tuning.schedule import MIXED, Step
from tst.noisy_tuning.settings import NoisyConfig

SIGNALS = ("confidence", "agar", "loss", "grad_norm")
"""What may tell clean from corrupted steps; the loss does so without any optimizer's help."""
LAST_STEPS = 10


def describe_steps(
    probed: pd.DataFrame, steps: Sequence[Step], corrupted: np.ndarray
) -> pd.DataFrame:
    """steps.parquet: step, kind, share of corrupted pairs, rows, and what the probe measured."""
    planned = pd.DataFrame(
        {
            "step": range(len(steps)),
            "kind": [step.kind for step in steps],
            "share": [float(corrupted[step.rows].mean()) for step in steps],
            "rows": [step.rows.tolist() for step in steps],
        }
    )
    return pd.concat([planned, probed], axis=1)


def describe_losses(
    train: pd.DataFrame,
    heldout: pd.DataFrame,
    places: Mapping[str, np.ndarray],
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """pairs.parquet: part, source_row, family, and the loss of each pair before and after."""
    frames = []
    for part, rows in places.items():
        pairs = (heldout if part == "held_out" else train).iloc[rows]
        frame = pairs[["source_row", "family"]].assign(part=part)
        frames.append(frame.assign(before=before[part], after=after[part]))
    return pd.concat(frames, ignore_index=True)


def describe_curve(
    curve: pd.DataFrame, before: np.ndarray, after: np.ndarray, steps: int
) -> pd.DataFrame:
    """curve.parquet: steps done and the mean held-out loss then, from 0 to all of them."""
    ends = pd.DataFrame({"step": [0, steps], "held_out": [before.mean(), after.mean()]})
    return pd.concat([ends, curve]).drop_duplicates("step").sort_values("step", ignore_index=True)


def describe_run(config: NoisyConfig) -> dict[str, Any]:
    """What a table of runs shows of a config."""
    return {
        "optimizer": config.optimizer.name,
        "model": model_slug(config.model),
        "corruption": config.corruption.kind,
        "share": config.corruption.share,
        "schedule": config.schedule.kind,
        "steps": config.schedule.steps,
        "batch_size": config.schedule.batch_size,
        "learning_rate": config.training.learning_rate,
        "seed": config.seed,
    }


def describe_data(table: PairTable, train: pd.DataFrame, heldout: pd.DataFrame) -> dict[str, Any]:
    """Where the pairs come from and how many there are of each kind."""
    return {
        "name": table.name,
        "source": table.source,
        "revision": table.revision,
        "fingerprint": table.fingerprint,
        "rows_read": table.rows_read,
        "left_out": [vars(left) for left in table.left_out],
        "train": len(train),
        "corrupted": int(train["corrupted"].sum()),
        "held_out": len(heldout),
    }


def summarise(steps: pd.DataFrame) -> dict[str, Any]:
    """``detection`` by signal, and ``loss``: the training loss by kind of step at the end."""
    last = steps[steps["step"] >= len(steps) - 3 * LAST_STEPS]
    return {
        "detection": {signal: detection(steps, signal) for signal in SIGNALS},
        "loss": {
            "first": float(steps["loss"].iloc[0]),
            "last": float(last.loc[last["kind"] == MIXED, "loss"].tail(LAST_STEPS).mean()),
        },
    }


def step_costs(steps: pd.DataFrame) -> dict[str, float]:
    """Medians over steps, in seconds: of a whole step, and of the optimizer's part of it."""
    return {
        "step_seconds": float(steps["seconds"].median()),
        "optimizer_seconds": float(steps["optimizer_seconds"].median()),
    }
