"""Contenders over seeds, compared pair by pair on the same data and order."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from tst.analysis.experiments import Experiment
from tst.analysis.noisy_groups import REFERENCE, Runs
from tst.noisy_tuning.measures import Figures, over_seeds, paired_difference

MEASURES: dict[str, tuple[str, str]] = {
    "held-out clean loss": ("memorisation", "held_out_after"),
    "clean training loss": ("memorisation", "train_clean_after"),
    "corrupted training loss": ("memorisation", "train_corrupted_after"),
    "memorised": ("memorisation", "memorised"),
    "overfitted": ("memorisation", "overfitted"),
    "true response preferred": ("memorisation", "truth_preferred_after"),
    "confidence AUROC": ("detection.confidence", "auroc"),
    "confidence AUROC in a round": ("detection.confidence", "auroc_in_round"),
    "confidence correlation": ("detection.confidence", "correlation"),
    "AGAR AUROC": ("detection.agar", "auroc"),
    "loss AUROC": ("detection.loss", "auroc"),
    "single pairs: AUROC of the prompt gain": ("suspects.prompt_gain", "auroc"),
    "single pairs: precision of the prompt gain": ("suspects.prompt_gain", "precision"),
    "single pairs: AUROC of the loss before training": ("suspects.loss_before", "auroc"),
    "single pairs: precision of the loss before training": ("suspects.loss_before", "precision"),
    "single pairs: AUROC of the loss drop": ("suspects.loss_drop", "auroc"),
    "single pairs: precision of the loss drop": ("suspects.loss_drop", "precision"),
    "single pairs: AUROC of confidence": ("suspects.confidence", "auroc"),
    "single pairs: precision of confidence": ("suspects.confidence", "precision"),
    "single pairs: base rate": ("suspects.loss_before", "base_rate"),
    "seconds per step": ("cost", "step_seconds"),
    "optimizer seconds per step": ("cost", "optimizer_seconds"),
}
"""Measure, for people -> where summary.json has it."""
SHARES = ("auroc", "auroc_in_round", "precision", "base_rate", "truth_preferred_after")
"""Figures between 0 and 1, whose intervals are so too."""


def measured(runs: Mapping[int, Experiment], measure: str) -> dict[int, float]:
    """Seed -> a measure of its run; NaN where it has none."""
    part, name = MEASURES[measure]
    return {seed: run.figure(*part.split("."), name) for seed, run in runs.items()}


def compare(runs: Runs) -> pd.DataFrame:
    """One row per (measure, optimizer): mean over seeds, its interval, and the difference to AdamW.

    Columns measure, optimizer, n, mean, low, high, difference, difference_low, difference_high.
    """
    rows = []
    for measure, (_, name) in MEASURES.items():
        within = (0, 1) if name in SHARES else None
        reference = measured(runs.get(REFERENCE, {}), measure)
        for optimizer, by_seed in runs.items():
            values = measured(by_seed, measure)
            own = over_seeds(values.values(), within=within)
            row: dict[str, object] = {"measure": measure, "optimizer": optimizer}
            row |= {k: own[k] for k in ("n", "mean", "low", "high")}
            if optimizer != REFERENCE and reference:
                gap = paired_difference(values, reference)
                row["difference"] = gap["mean"]
                row |= {f"difference_{end}": gap[end] for end in ("low", "high")}
            rows.append(row)
    return pd.DataFrame(rows)


def sign(gap: Figures) -> int:
    """-1 or 1 where the interval lies on one side of 0, else 0; 0 without an interval."""
    low, high = float(gap["low"]), float(gap["high"])
    return (low > 0) - (high < 0)


def interval(gap: Figures, digits: int = 3, signed: bool = True, unit: str = "") -> str:
    """Mean and interval, or why there is none; ``signed``: with a plus where it is positive."""
    unit = f" {unit}" if unit else ""
    if not gap["n"]:
        return str(gap["reason"])
    form = f"{'+' if signed else ''}.{digits}f"
    mean = f"{float(gap['mean']):{form}}"
    if math.isnan(float(gap["low"])):
        return f"{mean}{unit}, {gap['reason']}"
    return f"{mean} [{float(gap['low']):{form}}, {float(gap['high']):{form}}]{unit}"
