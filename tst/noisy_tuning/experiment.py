"""One run: pairs, corruption, schedule, training, losses, record."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tst.config.schema import to_plain, to_yaml
from tst.core.errors import UserError
from tst.diagnostics.llm.model.loading import BaseModel, load_base, pick_device
from tst.diagnostics.llm.model.quantization import resolve_model
from tst.diagnostics.llm.scoring.predictions import peak_memory, reset_peak
from tst.diagnostics.llm.training.memory import MemoryPlan, give_back_memory
from tst.noisy_tuning.corruption import corrupt, corrupt_held_out
from tst.noisy_tuning.data import PairTable, load_pairs, split_pairs
from tst.noisy_tuning.encoding import Example, encode_pairs
from tst.noisy_tuning.losses import pair_losses
from tst.noisy_tuning.measures import HELD_OUT_CORRUPTED, PARTS, TRUTH, memorisation
from tst.noisy_tuning.record import identify, record_folder
from tst.noisy_tuning.schedule import Step, plan_steps
from tst.noisy_tuning.settings import NoisyConfig, find_problems, resolve_auto
from tst.noisy_tuning.summary import (
    describe_curve,
    describe_data,
    describe_losses,
    describe_run,
    describe_steps,
    step_costs,
    summarise,
)
from tst.noisy_tuning.training import trained
from tst.optimizers.build import require_usable
from tst.records.environment import describe_environment, library_versions
from tst.records.record import Record
from tst.records.store import FolderStore
from tst.tracking.publisher_process import published

log = logging.getLogger("tst")

MEASURED = 6
"""A random stream of its own (data, corruption and schedule have 1 to 5, and 7)."""


@dataclass
class NoisyResult:
    """Where a run's record is, and its summary.json; None while another process computes it."""

    record: Path
    summary: dict[str, Any] | None


@dataclass
class Materials:
    """What a run trains on and what it measures, before any model is loaded.

    train: training pairs with ``corrupted`` and ``clean_response``
    heldout_corrupted: held-out pairs with a wrong response
    measured: part to the positions, in the part's table, of the pairs whose loss is measured
    """

    table: PairTable
    train: pd.DataFrame
    heldout: pd.DataFrame
    heldout_corrupted: pd.DataFrame
    steps: list[Step]
    measured: dict[str, np.ndarray]


def run(config: NoisyConfig) -> NoisyResult:
    """Train once as configured and write the record, unless it is there already.

    Raises UserError for anything the user can mend, before a model is loaded.
    """
    if problems := find_problems(config):
        raise UserError("\n".join(problems))
    asked, device = to_plain(config), pick_device(config.device)
    config = resolve_auto(config, device.type)
    config.model = resolve_model(config.model, device)
    training = config.training
    require_usable(config.optimizer, training.learning_rate, training.weight_decay)
    materials = prepare(config)
    with ExitStack() as stack:
        record = stack.enter_context(Record(record_folder(config, materials.table)))
        if not record.is_complete() and (holder := record.lease_whole()):
            log.info("%s is being computed by %s", record.path, holder)
            return NoisyResult(record.path, None)
        missing = not record.is_complete()  # another process may have finished it meanwhile
        if missing:
            identity = identify(config, materials.table)
            record.write_settings(to_yaml(config), identity, describe_environment(), asked)
            record.mark("running")
        stack.enter_context(_tracked(config, materials.table, record.path))
        if missing:
            stack.enter_context(record.keeping_log())
            stack.enter_context(record.noting_failure())
            _train_and_measure(config, materials, record)
    return NoisyResult(record.path, record.read_summary())


def _tracked(config: NoisyConfig, table: PairTable, record: Path) -> AbstractContextManager[None]:
    """Publishes to Weights & Biases during the run, where that is asked for."""
    source = {
        "name": table.name,
        "pairs": len(table.frame),
        "fingerprint": table.fingerprint,
        "revision": table.revision,
    }
    return published(config.tracking, record, config.outputs_root, source)


def prepare(config: NoisyConfig) -> Materials:
    """Read, split and corrupt the pairs, plan the steps, choose what to measure."""
    seed = config.seed
    table = load_pairs(config.data, seed)
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
    return Materials(table, train, heldout, heldout_corrupted, steps, measured)


def _train_and_measure(config: NoisyConfig, materials: Materials, record: Record) -> None:
    """Everything that needs the model."""
    started = time.perf_counter()
    base = load_base(config.model, config.device)
    cost = {"load_seconds": time.perf_counter() - started}
    train, heldout = materials.train, materials.heldout
    heldout_corrupted = materials.heldout_corrupted
    longest = config.training.max_length

    def encode(frame: pd.DataFrame, column: str = "response") -> tuple[list[Example], int]:
        encoded = encode_pairs(base.tokenizer, list(frame["prompt"]), list(frame[column]), longest)
        return encoded.examples, encoded.cut

    examples, n_cut = encode(train)
    truths, _ = encode(train, "clean_response")
    unseen, _ = encode(heldout)
    wrong, _ = encode(heldout_corrupted)
    names = (*PARTS, HELD_OUT_CORRUPTED, TRUTH)
    sources = dict(zip(names, (examples, examples, unseen, wrong, truths), strict=True))
    tables_of = dict(zip(names, (train, train, heldout, heldout_corrupted, train), strict=True))
    places = {**materials.measured, TRUTH: materials.measured["train_corrupted"]}
    parts = {part: [sources[part][i] for i in places[part]] for part in sources}
    started = time.perf_counter()
    store = FolderStore.under(config.outputs_root, record.path)
    before = {part: _losses_before(base, store, pairs) for part, pairs in parts.items()}
    cost["before_seconds"] = time.perf_counter() - started
    memory = MemoryPlan(
        config.training.micro_batch or config.schedule.batch_size,
        checkpointing=config.training.checkpointing,
    )

    def attempt() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
        reset_peak(base.device)
        started = time.perf_counter()
        with trained(
            base, config.training, config.optimizer, examples, materials.steps, config.seed,
            memory, config.evaluation.every,
            lambda model: float(pair_losses(model, parts["held_out"]).mean()),
        ) as outcome:  # fmt: skip
            cost["train_seconds"] = time.perf_counter() - started
            on_gpu = base.device.type == "cuda"  # a CPU knows the peak of the whole process alone
            cost["peak_memory_bytes"] = peak_memory(base.device) if on_gpu else float("nan")
            started = time.perf_counter()
            after = {part: pair_losses(outcome.adapter, pairs) for part, pairs in parts.items()}
            cost["after_seconds"] = time.perf_counter() - started
            return outcome.steps, outcome.curve, after

    while True:
        try:
            steps, curve, after = attempt()
            break
        except torch.OutOfMemoryError:
            pass  # leave the except block first: its traceback holds the tensors that did not fit
        give_back_memory()
        memory.shrink()
        log.warning("out of memory: training starts again with %s", memory.describe())
    cost["micro_batch"] = memory.micro_batch
    cost["checkpointing"] = float(memory.checkpointing)
    steps = describe_steps(steps, materials.steps, train["corrupted"].to_numpy())
    tables = {
        "steps.parquet": steps,
        "pairs.parquet": describe_losses(tables_of, places, before, after),
        "curve.parquet": describe_curve(curve, before["held_out"], after["held_out"], len(steps)),
    }
    summary = {
        "run": describe_run(config, materials.table),
        "data": {**describe_data(materials.table, train, heldout), "cut": n_cut},
        **summarise(steps),
        "memorisation": memorisation(before, after),
        "cost": {**step_costs(steps), **cost},
        "versions": library_versions(),
    }
    with record.writing():
        record.write_result(tables, summary)


def _losses_before(base: BaseModel, store: FolderStore, pairs: Sequence[Example]) -> np.ndarray:
    """Losses of the untrained model, computed once for all optimizers of a sweep."""
    text = json.dumps([base.identity, str(base.device.type), list(pairs)])
    key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    kept = store.get("pair_losses", key)
    if kept is None:
        kept = pd.DataFrame({"loss": pair_losses(base.model, pairs)})
        store.put("pair_losses", key, kept)
    return kept["loss"].to_numpy()
