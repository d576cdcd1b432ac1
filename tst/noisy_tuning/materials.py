"""What a run trains on and what it measures: pairs as tables, then as token ids."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.noisy_tuning.corruption import corrupt, corrupt_held_out
from tst.noisy_tuning.data import PairTable, split_pairs
from tst.noisy_tuning.encoding import Example, encode_pairs
from tst.noisy_tuning.measures import HELD_OUT_CORRUPTED, PARTS, TRUTH
from tst.noisy_tuning.schedule import Step, kept_after_filter, plan_kept_steps, plan_steps
from tst.noisy_tuning.settings import NO_CORRUPTION, NoisyConfig
from tst.noisy_tuning.suspects import suspicion
from tst.noisy_tuning.training import Losses

log = logging.getLogger("tst")

MEASURED, SCORED = 6, 8
"""Random streams of their own (data, corruption and schedule have 1 to 5, and 7)."""
ON_THE_WAY = ("held_out", "train_corrupted", HELD_OUT_CORRUPTED)
"""Parts measured during training: what the held-out loss and ``memorised`` need."""


@dataclass
class Materials:
    """What the runs of a seed, corruption and schedule share, before any model is loaded.

    train: training pairs with ``corrupted`` and ``clean_response``
    heldout_corrupted: held-out pairs with a wrong response
    steps: the steps over all training pairs
    measured: part to the positions, in the part's table, of the pairs whose loss is measured
    scored: positions in ``train`` of the pairs that are scored as suspects; where nothing is known
        to be corrupted, all of them, and the held-out pairs are scored too
    """

    table: PairTable
    train: pd.DataFrame
    heldout: pd.DataFrame
    heldout_corrupted: pd.DataFrame
    steps: list[Step]
    measured: dict[str, np.ndarray]
    scored: np.ndarray


def prepare(config: NoisyConfig, table: PairTable) -> Materials:
    """Split and corrupt the pairs, plan the steps, choose what to measure."""
    seed = config.seed
    for left in table.left_out[:20]:
        log.warning("data %s: left out row %d: %s", table.name, left.row, left.reason)
    train, heldout = split_pairs(table.frame, config.data.held_out, seed)
    train = corrupt(train, config.corruption, seed)
    heldout_corrupted = corrupt_held_out(heldout, config.corruption, seed)
    flags = train["corrupted"].to_numpy()
    steps = plan_steps(flags, config.schedule, seed)
    rng = np.random.default_rng([seed, MEASURED])
    pools = [np.flatnonzero(~flags), np.flatnonzero(flags)]
    pools += [np.arange(len(heldout)), np.arange(len(heldout_corrupted))]
    measured = {
        part: np.sort(rng.permutation(pool)[: config.evaluation.pairs])
        for part, pool in zip((*PARTS, HELD_OUT_CORRUPTED), pools, strict=True)
    }
    scored = np.arange(len(train))
    if config.corruption.kind != NO_CORRUPTION:
        drawn = np.random.default_rng([seed, SCORED]).permutation(scored)
        scored = np.sort(drawn[: config.suspects.pairs])
    return Materials(table, train, heldout, heldout_corrupted, steps, measured, scored)


def require_filterable(config: NoisyConfig, materials: Materials) -> None:
    """Raise UserError where the filter leaves too few pairs for a step."""
    n, share = len(materials.train), config.filter.share
    kept = n - round(share * n)
    if kept < config.schedule.batch_size:
        raise UserError(
            f"filter.share={share} leaves {kept} of {n} training pairs, too few for a step of "
            f"schedule.batch_size={config.schedule.batch_size}; use a smaller share or more pairs."
        )


@dataclass
class MeasuredPairs:
    """Token ids of the training pairs, and of all pairs whose loss is measured.

    examples: of all training pairs; cut: how many of them were cut to fit
    parts: part to its table's rows; pairs: part to their token ids
    scored: the rows that are scored as suspects (``part`` says of what); scored_pairs: token ids
    """

    examples: list[Example]
    cut: int
    parts: dict[str, pd.DataFrame]
    pairs: dict[str, list[Example]]
    scored: pd.DataFrame
    scored_pairs: list[Example]

    def means(self, losses: Losses) -> dict[str, np.ndarray]:
        """Mean losses on the way, by part; parts without pairs are left out."""
        return {p: losses(self.pairs[p]).mean(axis=1) for p in ON_THE_WAY if self.pairs[p]}


def encode_materials(tokenizer: Any, materials: Materials, max_length: int) -> MeasuredPairs:
    """The pairs as this model reads them."""

    def encode(frame: pd.DataFrame, column: str = "response") -> tuple[list[Example], int]:
        encoded = encode_pairs(tokenizer, list(frame["prompt"]), list(frame[column]), max_length)
        return encoded.examples, encoded.cut

    train, heldout = materials.train, materials.heldout
    examples, cut = encode(train)
    places = {**materials.measured, TRUTH: materials.measured["train_corrupted"]}
    tables = {
        **dict.fromkeys(("train_clean", "train_corrupted", TRUTH), train),
        "held_out": heldout,
        HELD_OUT_CORRUPTED: materials.heldout_corrupted,
    }
    parts = {part: tables[part].iloc[rows] for part, rows in places.items()}
    pairs = {
        part: encode(frame, "clean_response" if part == TRUTH else "response")[0]
        for part, frame in parts.items()
    }
    scored = train.iloc[materials.scored].assign(part="train")
    scored_pairs = [examples[i] for i in materials.scored]
    if not train["corrupted"].any():
        scored = pd.concat([scored, heldout.assign(part="held_out")], ignore_index=True)
        scored_pairs += encode(heldout)[0]
    return MeasuredPairs(examples, cut, parts, pairs, scored, scored_pairs)


def plan_run(
    config: NoisyConfig, materials: Materials, scores: Mapping[str, np.ndarray] | None
) -> Sequence[Step]:
    """The steps of a run: all training pairs, or those that its filter keeps.

    scores: of all training pairs before training, by name; needed with a filter
    """
    if not config.filter.share:
        return materials.steps
    assert scores is not None
    flags = materials.train["corrupted"].to_numpy()
    kept = kept_after_filter(suspicion(scores, config.filter.score), config.filter.share)
    return plan_kept_steps(flags, kept, config.schedule, config.seed)
