"""Scored answers as the protocol's Predictions, and what they cost."""

from __future__ import annotations

import resource
from typing import Any

import numpy as np
import pandas as pd
import torch

from tst.core.diagnostic import Predictions


def to_predictions(
    heldout: pd.DataFrame, answers: pd.DataFrame, zero_shot: pd.DataFrame, cost: dict[str, float]
) -> Predictions:
    """Predictions in the held-out questions' order; frames have the columns of scoring.COLUMNS."""
    trained, untrained = answers.loc[heldout.index], zero_shot.loc[heldout.index]
    return Predictions(
        p_options=_arrays(trained["p_options"]),
        value=trained["value"].to_numpy(dtype=float),
        text=_texts(trained["text"]),
        p_options_zero_shot=_arrays(untrained["p_options"]),
        value_zero_shot=untrained["value"].to_numpy(dtype=float),
        text_zero_shot=_texts(untrained["text"]),
        letter_mass=trained["letter_mass"].to_numpy(dtype=float),
        letter_mass_zero_shot=untrained["letter_mass"].to_numpy(dtype=float),
        generated=_texts(trained["generated"]),
        generated_zero_shot=_texts(untrained["generated"]),
        parsed=trained["parsed"].to_numpy(dtype=bool),
        cost=dict(cost),
    )


def reset_peak(device: torch.device) -> None:
    """Reset the measurement of peak memory, where the device can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> float:
    """Bytes: the device's peak since reset_peak; on a CPU the process's peak so far."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _arrays(column: pd.Series) -> list[np.ndarray | None]:
    return [None if _absent(v) else np.asarray(v, dtype=float) for v in column]


def _texts(column: pd.Series) -> list[str | None]:
    return [None if _absent(v) else str(v) for v in column]


def _absent(value: Any) -> bool:
    """None, or the NaN that pandas may have made of it."""
    return value is None or (isinstance(value, float) and np.isnan(value))
