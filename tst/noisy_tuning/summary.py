"""A run's tables and the parts of its summary.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tst.diagnostics.llm.settings import model_slug
from tst.noisy_tuning.data import PairTable
from tst.noisy_tuning.materials import ON_THE_WAY, Materials, MeasuredPairs
from tst.noisy_tuning.measures import HELD_OUT_CORRUPTED, detection, memorisation
from tst.noisy_tuning.record import VERSION, setting_hash, study_hash
from tst.noisy_tuning.schedule import MIXED, Step
from tst.noisy_tuning.settings import NoisyConfig
from tst.noisy_tuning.suspects import suspect_detection
from tst.optimizers.settings import OptimizerSettings
from tst.records.environment import library_versions

SIGNALS = ("confidence", "agar", "loss", "grad_norm")
"""What may separate clean from corrupted steps; loss and gradient norm exist for any optimizer."""
LAST_STEPS = 10


@dataclass
class After:
    """What training left of one run: its steps and curve, and losses and scores of pairs.

    losses: of each pair, by part; scores: as of ``describe_scores``
    """

    steps: pd.DataFrame
    curve: pd.DataFrame
    losses: dict[str, np.ndarray]
    scores: pd.DataFrame


DEFAULTS: dict[str, Any] = {
    "betas": [0.9, 0.999], "eps": 1e-8, "c_min": 0.1, "rho": 0.5, "r_floor": 0.1,
    "tau_init_steps": 50,
}  # fmt: skip
"""Parameters as in conf/optimizer; a label leaves them out."""


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
    parts: Mapping[str, pd.DataFrame],
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
) -> pd.DataFrame:
    """pairs.parquet: part, source_row, family, and the loss of each pair before and after.

    parts: part to the rows of its table that were measured
    """
    frames = []
    for part, rows in parts.items():
        frame = rows[["source_row", "family"]].assign(part=part)
        frames.append(frame.assign(before=before[part], after=after[part]))
    return pd.concat(frames, ignore_index=True)


def describe_curve(
    curve: pd.DataFrame,
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    steps: int,
) -> pd.DataFrame:
    """curve.parquet: steps done, from 0 to all of them, the mean losses of parts then (held_out,
    train_corrupted, held_out_corrupted), and ``memorised`` of these (NaN where a part is empty).
    """
    shown = [p for p in ON_THE_WAY if len(before[p])]
    ends = pd.DataFrame(
        [
            {"step": step, **{p: losses[p].mean() for p in shown}}
            for step, losses in ((0, before), (steps, after))
        ]
    )
    whole = pd.concat([ends, curve]).drop_duplicates("step").sort_values("step", ignore_index=True)
    drops = whole.iloc[0].reindex(ON_THE_WAY) - whole.reindex(columns=ON_THE_WAY)
    return whole.assign(memorised=drops["train_corrupted"] - drops[HELD_OUT_CORRUPTED])


def describe_run(config: NoisyConfig, table: PairTable) -> dict[str, Any]:
    """What a table of runs shows of a resolved config; runs of one ``setting`` are comparable."""
    return {
        "version": VERSION,
        "setting": setting_hash(config, table),
        "study": study_hash(config, table),
        "optimizer": contender_label(config),
        "model": model_slug(config.model),
        "corruption": config.corruption.kind,
        "share": config.corruption.share,
        "schedule": config.schedule.kind,
        "steps": config.schedule.steps,
        "batch_size": config.schedule.batch_size,
        "learning_rate": config.training.learning_rate,
        "filter_share": config.filter.share,
        "seed": config.seed,
    }


def contender_label(config: NoisyConfig) -> str:
    """The optimizer, and what it is helped by: "adamw, smoothed 0.1", "adamw, filtered by loss".

    Learning rate and filter share are tuned, and so not named.
    """
    smoothing = config.training.label_smoothing
    helped = [f"smoothed {smoothing:g}"] * bool(smoothing)
    if config.filter.share:
        by = {"loss_before": "loss", "prompt_gain": "prompt gain"}[config.filter.score]
        helped.append(f"filtered by {by}")
    return ", ".join([optimizer_label(config.optimizer), *helped])


def optimizer_label(optimizer: OptimizerSettings) -> str:
    """The name, with the parameters that differ from conf/optimizer: "casmo rho=0.9"."""
    given = dict(optimizer.params)
    if optimizer.name == "casmo_calibrated":
        given = {"tau_init_steps": None, **given}  # the package's own default differs
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in sorted(given.items())}
    changed = (f"{k}={v}" for k, v in plain.items() if k not in DEFAULTS or v != DEFAULTS[k])
    return " ".join([optimizer.name, *changed])


def describe_data(table: PairTable, train: pd.DataFrame, heldout: pd.DataFrame) -> dict[str, Any]:
    """The source of the pairs, and how many there are of each kind."""
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


def describe_result(
    config: NoisyConfig,
    materials: Materials,
    measured: MeasuredPairs,
    planned: Sequence[Step],
    before: Mapping[str, np.ndarray],
    after: After,
    cost: Mapping[str, float],
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """A run's tables by file name, and its summary.json.

    planned: its steps; before: losses of pairs by part
    """
    steps = describe_steps(after.steps, planned, materials.train["corrupted"].to_numpy())
    tables = {
        "steps.parquet": steps,
        "pairs.parquet": describe_losses(measured.parts, before, after.losses),
        "curve.parquet": describe_curve(after.curve, before, after.losses, len(steps)),
        "pair_scores.parquet": after.scores,
    }
    data = describe_data(materials.table, materials.train, materials.heldout)
    trained_on = {int(row) for step in planned for row in step.rows}
    summary = {
        "run": describe_run(config, materials.table),
        "data": {**data, "cut": measured.cut, "trained_on": len(trained_on)},
        **summarise(steps),
        "memorisation": memorisation(before, after.losses),
        "suspects": suspect_detection(after.scores),
        "cost": {
            "step_seconds": float(steps["seconds"].median()),
            "optimizer_seconds": float(steps["optimizer_seconds"].median()),
            **cost,
        },
        "versions": library_versions(),
    }
    return tables, summary
