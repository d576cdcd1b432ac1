"""The record of a run: which settings name it, where it lies, what is in it.

outputs/noisy/<data>/<optimizer>-<model>/<corruption>-<schedule>/<hash>/ holds config.yaml,
environment.json, status.json, steps.parquet (one row per optimizer step), pairs.parquet (losses of
single pairs before and after), curve.parquet (losses on the way), pair_scores.parquet (how
suspicious single training pairs are), summary.json, and with corruption=none suspects.csv.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tst.config.schema import to_plain
from tst.diagnostics.llm.settings import MODEL_WITHOUT_EFFECT, model_slug
from tst.noisy_tuning.data import PairTable
from tst.noisy_tuning.settings import NO_CORRUPTION, NoisyConfig
from tst.records.identity import Identity, matches, select_leaves
from tst.records.kinds import NOISY_TUNING

VERSION = 4
"""Raised by hand when the same config and pairs give other figures; records of another version are
left out of tables. 2: corrupted pairs are held out, and the loss's AUROC points the other way.
3: dropout masks follow from the seed, the step and a pair's place in it.
4: pairs are scored by prompt_gain too."""
INCLUDED = (
    *("data.name", "data.held_out", "corruption", "schedule", "optimizer", "model", "training"),
    *("filter", "evaluation", "suspects", "seed"),
)
TUNED = ("training.learning_rate", "training.label_smoothing", "filter")
"""What contenders may differ in besides the optimizer."""
EXCLUDED = {
    **dict.fromkeys(
        [f"data.{k}" for k in ("path", "hub", "format", "columns", "n", "strict")],
        "how the pairs are read: their fingerprint is in the hash instead",
    ),
    "tracking": "where the record is shown",
    "outputs_root": "a path",
    "device": "where it runs",
    "fail_fast": "what a sweep does after a failure",
    "grid": "which runs are made and trained together: each has the record that it has alone",
    "training.micro_batch": "the effective batch stays",
    "training.checkpointing": "memory",
    **{f"model.{name}": why for name, why in MODEL_WITHOUT_EFFECT.items()},
}
"""Every config field is in exactly one of the two lists; the longest entry that matches decides."""


def identify(config: NoisyConfig, table: PairTable) -> Identity:
    """The identity of the record of a resolved config and its pairs.

    A list of suspects names pairs by their place in the file, so that the same pairs in another
    order have a record of their own.
    """
    leaves = select_leaves(to_plain(config), INCLUDED, EXCLUDED)
    listed = config.corruption.kind == NO_CORRUPTION
    return Identity(leaves, table.listed_fingerprint if listed else table.fingerprint, VERSION)


def record_folder(config: NoisyConfig, table: PairTable) -> Path:
    """Where the record of a resolved config and its pairs lies."""
    place = (
        table.name,
        f"{config.optimizer.name}-{model_slug(config.model)}",
        f"{config.corruption.kind}-{config.schedule.kind}",
    )
    return NOISY_TUNING.path(config.outputs_root, place, identify(config, table).hash)


def setting_hash(config: NoisyConfig, table: PairTable) -> str:
    """8 hex digits over all that runs must share to be compared: all but seed and contender.

    Of the pairs only their number counts, since the seed may draw different ones.
    """
    return _hash_without(config, table, ("seed", "optimizer", *TUNED))


def study_hash(config: NoisyConfig, table: PairTable) -> str:
    """8 hex digits over what settings with one choice of learning rates share."""
    left_out = ("seed", "optimizer", *TUNED, "corruption", "schedule.kind")
    return _hash_without(config, table, left_out)


def _hash_without(config: NoisyConfig, table: PairTable, left_out: Sequence[str]) -> str:
    leaves = {
        path: value
        for path, value in identify(config, table).leaves.items()
        if not any(matches(path, prefix) for prefix in left_out)
    }
    pairs = f"{table.name}, {table.revision}, {len(table.frame)} of {table.rows_read}"
    return Identity(leaves, pairs, VERSION).hash[:8]
