"""The record of a run: which settings name it, where it lies, what is in it.

outputs/noisy/<data>/<optimizer>-<model>/<corruption>-<schedule>/<hash>/ holds config.yaml,
environment.json, status.json, steps.parquet (one row per optimizer step), pairs.parquet (losses of
single pairs before and after), curve.parquet (held-out loss) and summary.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tst.config.schema import to_plain
from tst.diagnostics.llm.settings import model_slug
from tst.noisy_tuning.data import PairTable
from tst.noisy_tuning.settings import NoisyConfig
from tst.records.identity import digest, flatten, matches
from tst.records.kinds import NOISY_TUNING

VERSION = 2
"""Raised by hand when the same config and pairs give other figures; records of another version are
left out of tables. 2: corrupted pairs are held out, and the loss's AUROC points the other way."""
INCLUDED = (
    *("data.name", "data.held_out", "corruption", "schedule", "optimizer", "model", "training"),
    *("evaluation", "seed"),
)
EXCLUDED = {
    **dict.fromkeys(
        [f"data.{k}" for k in ("path", "hub", "format", "columns", "n", "strict")],
        "how the pairs are read: their fingerprint is in the hash instead",
    ),
    "tracking": "where the record is shown",
    "outputs_root": "a path",
    "device": "where it runs",
    "fail_fast": "what a sweep does after a failure",
    "training.micro_batch": "the effective batch stays",
    "training.checkpointing": "memory",
    "model.training": "settings of the stress test",
    "model.attn_implementation": "the attention kernel",
    "model.device_map": "where it runs",
}
"""Every config field is in exactly one of the two lists; the longest entry that matches decides."""


def is_identity(path: str) -> bool:
    """Whether a config field can change a number."""
    included = max((len(p) for p in INCLUDED if matches(path, p)), default=-1)
    excluded = max((len(p) for p in EXCLUDED if matches(path, p)), default=-1)
    return included > excluded


def identity_leaves(config: NoisyConfig) -> dict[str, Any]:
    """The settings of a resolved config that can change a number, by dotted path."""
    return {k: v for k, v in flatten(to_plain(config)).items() if is_identity(k)}


def record_folder(config: NoisyConfig, table: PairTable) -> Path:
    """Where the record of a resolved config and its pairs lies."""
    place = (
        table.name,
        f"{config.optimizer.name}-{model_slug(config.model)}",
        f"{config.corruption.kind}-{config.schedule.kind}",
    )
    identity = digest(identity_leaves(config), table.fingerprint, VERSION)
    return NOISY_TUNING.path(config.outputs_root, place, identity)


def setting_hash(config: NoisyConfig, table: PairTable) -> str:
    """8 hex digits over all that runs must share to be compared: all but optimizer and seed.

    Of the pairs only their number counts, since the seed may draw different ones.
    """
    leaves = {
        path: value
        for path, value in identity_leaves(config).items()
        if path != "seed" and not matches(path, "optimizer")
    }
    pairs = f"{table.name}, {table.revision}, {len(table.frame)} of {table.rows_read}"
    return digest(leaves, pairs, VERSION)[:8]
