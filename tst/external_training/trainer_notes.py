"""What a transformers-based trainer noted beside an adapter, in JSON: epochs, losses, seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tst.core.errors import UserError
from tst.records.files import read_json

TRAINER_STATE, RESULTS = "trainer_state.json", "all_results.json"
COSTS = {"train_runtime": "train_seconds", "train_loss": "train_loss"}
HISTORY = ("step", "epoch", "loss", "learning_rate")


@dataclass(frozen=True)
class TrainerNotes:
    """What was noted; empty where the trainer notes nothing.

    epochs: asked for; None where that is not known
    cost: train_seconds and train_loss
    history: step, epoch, loss, learning rate and tokens (not known: NaN); None without a log
    steps, planned: trained and asked for; 0 where that is not known
    """

    epochs: float | None = None
    cost: dict[str, float] = field(default_factory=dict)
    history: pd.DataFrame | None = None
    steps: int = 0
    planned: int = 0


def read_notes(adapter: Path, training: Path) -> TrainerNotes:
    """The notes beside an adapter (trainer_state.json) and of its training (all_results.json).

    Raises UserError for a file that cannot be read.
    """
    state, results = _read_if_there(adapter / TRAINER_STATE), _read_if_there(training / RESULTS)
    try:
        epochs = float(state.get("num_train_epochs") or 0)
        if not 0 <= epochs < math.inf:
            raise ValueError(f"num_train_epochs is {epochs}")
        return TrainerNotes(
            epochs=epochs or None,
            cost={
                ours: float(results[theirs]) for theirs, ours in COSTS.items() if theirs in results
            },
            history=_history(state.get("log_history") or []),
            steps=int(state.get("global_step") or 0),
            planned=int(state.get("max_steps") or 0),
        )
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{adapter}: {TRAINER_STATE} or {RESULTS} is not as transformers writes it ({error}); "
            "restore it, or remove it: it is not needed."
        ) from error


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object. Raises UserError for anything else."""
    try:
        found = read_json(path)
    except (OSError, RecursionError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}).") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: cannot be read (expected a JSON object).")
    return found


def _read_if_there(path: Path) -> dict[str, Any]:
    return read_object(path) if path.is_file() else {}


def _history(log: list[dict[str, Any]]) -> pd.DataFrame | None:
    """The steps for which a loss was logged; None where there are none."""
    logged = [e for e in log if "loss" in e and "step" in e]
    if not logged:
        return None
    rows = [{c: float(e.get(c, "nan")) for c in HISTORY} for e in logged]
    return pd.DataFrame(rows).assign(
        step=lambda frame: frame["step"].astype(int), tokens=float("nan")
    )
