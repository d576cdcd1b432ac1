"""Many runs together: optimizers over seeds, compared pair by pair on the same data and order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tst.analysis.experiments import Experiment
from tst.noisy_tuning.measures import Figures, over_seeds, paired_difference
from tst.noisy_tuning.record import VERSION

REFERENCE = "adamw"
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
    "seconds per step": ("cost", "step_seconds"),
    "optimizer seconds per step": ("cost", "optimizer_seconds"),
}
"""Measure, for people -> where summary.json has it."""


@dataclass(frozen=True)
class Setting:
    """What the runs of a comparison share.

    identity: ``setting_hash``, over all of it, also what is not shown
    """

    data: str
    model: str
    corruption: str
    share: float
    schedule: str
    steps: int
    batch_size: int
    identity: str

    def __str__(self) -> str:
        return (
            f"{self.data}, {self.model}, {self.corruption} {100 * self.share:.0f}%, "
            f"{self.schedule}, {self.steps} steps of {self.batch_size}, setting {self.identity}"
        )

    @property
    def slug(self) -> str:
        """As a file name."""
        name = f"{self.data}-{self.model}-{self.corruption}-{self.schedule}-{self.steps}"
        return f"{name}-{self.identity}"


Runs = Mapping[str, Mapping[int, Experiment]]
"""Optimizer -> seed -> its run, in one setting."""


def group_runs(
    experiments: Sequence[Experiment],
) -> tuple[dict[Setting, dict[str, dict[int, Experiment]]], list[str]]:
    """The runs by setting, optimizer and seed, and a note on each that cannot be among them.

    Records of another version hold other figures; of two with the same setting, optimizer and
    seed (on other pairs) nothing says which is meant, so that neither is taken.
    """
    alike: dict[tuple[Setting, str, int], list[Experiment]] = {}
    notes = []
    for experiment in experiments:
        run = experiment.summary["run"]
        if run.get("version") != VERSION:
            notes.append(f"{experiment.path}: left out, of another version; run it again.")
            continue
        key = (_read_setting(experiment), str(run["optimizer"]), int(run["seed"]))
        alike.setdefault(key, []).append(experiment)
    groups: dict[Setting, dict[str, dict[int, Experiment]]] = {}
    for (setting, optimizer, seed), those in alike.items():
        if len(those) > 1:
            paths = " and ".join(str(e.path) for e in those)
            notes.append(f"{paths}: left out, {optimizer} with seed {seed} more than once.")
            continue
        groups.setdefault(setting, {}).setdefault(optimizer, {})[seed] = those[0]
    return groups, notes


def _read_setting(experiment: Experiment) -> Setting:
    run = experiment.summary["run"]
    return Setting(
        experiment.subject,
        run["model"],
        run["corruption"],
        run["share"],
        run["schedule"],
        run["steps"],
        run["batch_size"],
        run["setting"],
    )


def measured(runs: Mapping[int, Experiment], measure: str) -> dict[int, float]:
    """Seed -> a measure of its run; NaN where it has none."""
    part, name = MEASURES[measure]
    values = {}
    for seed, experiment in runs.items():
        node: Any = experiment.summary
        for key in (*part.split("."), name):
            node = node.get(key) if isinstance(node, dict) else None
        values[seed] = math.nan if node is None else float(node)
    return values


def compare(runs: Runs) -> pd.DataFrame:
    """One row a (measure, optimizer): mean over seeds, its interval, and the difference to AdamW.

    Columns measure, optimizer, n, mean, low, high, difference, difference_low, difference_high.
    """
    rows = []
    for measure in MEASURES:
        reference = measured(runs.get(REFERENCE, {}), measure)
        for optimizer, by_seed in runs.items():
            values = measured(by_seed, measure)
            own = over_seeds(values.values())
            row: dict[str, object] = {"measure": measure, "optimizer": optimizer}
            row |= {k: own[k] for k in ("n", "mean", "low", "high")}
            if optimizer != REFERENCE and reference:
                gap = paired_difference(values, reference)
                row |= {
                    "difference": gap["mean"],
                    "difference_low": gap["low"],
                    "difference_high": gap["high"],
                }
            rows.append(row)
    return pd.DataFrame(rows)


def describe(setting: Setting, runs: Runs) -> str:
    """The setting, its seeds, and what its runs say on each part of the hypothesis."""
    sentences = [s for o in runs if o != REFERENCE for s in judge(runs, o)]
    seeds = ", ".join(f"{o} {sorted(by_seed)}" for o, by_seed in runs.items())
    return "\n".join([str(setting), f"seeds: {seeds}", *sentences])


def judge(runs: Runs, optimizer: str) -> list[str]:
    """What the runs say on each part of the hypothesis, for one optimizer against AdamW."""
    sentences = [_judge_confidence(runs[optimizer], optimizer)]
    if REFERENCE not in runs:
        return [*sentences, f"There are no runs of {REFERENCE} to compare {optimizer} with."]
    for measure, less, more in (
        ("memorised", "memorises corrupted pairs less than", "memorises corrupted pairs more than"),
        ("held-out clean loss", "has a lower held-out clean loss than", "has a higher one than"),
    ):
        reference = measured(runs[REFERENCE], measure)
        gap = paired_difference(measured(runs[optimizer], measure), reference)
        verdict = {-1: less, 1: more, 0: "cannot be told from"}[sign(gap)]
        sentences.append(f"{measure}: {optimizer} {verdict} {REFERENCE} ({interval(gap)}).")
    return sentences


def _judge_confidence(runs: Mapping[int, Experiment], optimizer: str) -> str:
    figures = [e.summary["detection"]["confidence"] for e in runs.values()]
    gaps = [
        f["mean_clean"] - f["mean_corrupted"]
        for f in figures
        if f.get("mean_clean") is not None and f.get("mean_corrupted") is not None
    ]
    if not gaps:
        linear = over_seeds(measured(runs, "confidence correlation").values())
        if linear["n"]:
            return (
                f"confidence: {optimizer}'s correlation with the share of corrupted pairs in a "
                f"step is {interval(linear)}."
            )
        return f"confidence: {figures[0].get('reason', 'not recorded')}."
    gap = over_seeds(gaps)
    verdict = {1: "higher on clean than on corrupted steps", -1: "lower on clean steps"}.get(
        sign(gap), "not shown to differ between clean and corrupted steps"
    )
    return f"confidence: {optimizer}'s is {verdict} (clean - corrupted {interval(gap)})."


def sign(gap: Figures) -> int:
    """-1 or 1 where the interval lies on one side of 0, else 0; 0 without an interval."""
    low, high = float(gap["low"]), float(gap["high"])
    return (low > 0) - (high < 0)


def interval(gap: Figures, digits: int = 3) -> str:
    """Mean and interval, or why there is none."""
    if not gap["n"]:
        return str(gap["reason"])
    mean = f"{float(gap['mean']):+.{digits}f}"
    if math.isnan(float(gap["low"])):
        return f"{mean}, {gap['reason']}"
    return f"{mean} [{float(gap['low']):+.{digits}f}, {float(gap['high']):+.{digits}f}]"
