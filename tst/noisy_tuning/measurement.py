"""Train runs on one base, alone or together, and write what each of them showed."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from tst.diagnostics.llm.model.loading import BaseModel, load_base
from tst.diagnostics.llm.model.reading_limits import require_readable
from tst.diagnostics.llm.scoring.predictions import peak_memory, reset_peak
from tst.diagnostics.llm.settings import why_sequential
from tst.diagnostics.llm.training.memory import MemoryPlan, give_back_memory
from tst.noisy_tuning.encoding import Example, without_prompts
from tst.noisy_tuning.losses import pair_losses
from tst.noisy_tuning.materials import Materials, MeasuredPairs, encode_materials, plan_run
from tst.noisy_tuning.settings import NO_CORRUPTION, NoisyConfig
from tst.noisy_tuning.summary import After, describe_result
from tst.noisy_tuning.suspects import describe_scores, list_suspects, scores_before
from tst.noisy_tuning.training import RunPlan, SharedTraining, TrainedRuns, trained
from tst.optimizers.settings import has_confidence
from tst.records.record import Record
from tst.records.store import FolderStore

log = logging.getLogger("tst")


@dataclass(frozen=True)
class OpenRun:
    """A run whose record this process holds open."""

    config: NoisyConfig
    record: Record


@dataclass
class Bench:
    """What is the same for all runs of a grid: the base, the pairs, their losses before training.

    before: mean loss of each pair, by part
    before_scored: SCORES_BEFORE of the pairs scored as suspects
    """

    base: BaseModel
    materials: Materials
    measured: MeasuredPairs
    before: dict[str, np.ndarray]
    before_scored: dict[str, np.ndarray]
    cost: dict[str, float]


def train_and_measure(
    config: NoisyConfig, runs: Sequence[OpenRun], materials: Materials
) -> list[Exception]:
    """Everything that needs the model. What became of runs that failed is in their records.

    config: what the runs share. Returns the failures.
    """
    bench, plans = _prepare(config, runs, materials)
    failures: list[Exception] = []
    for together in _groups(config, list(zip(runs, plans, strict=True)), bench.base):
        try:
            with ExitStack() as stack:
                for run, _ in together:
                    stack.enter_context(run.record.noting_failure())
                _train_group(config, together, bench)
        except Exception as failure:
            traceback.clear_frames(failure.__traceback__)  # frames keep the model's tensors alive
            failures.append(failure)
            if len(runs) > len(together):
                log.error("%d of %d runs failed: %s", len(together), len(runs), failure)
    return failures


def _prepare(
    config: NoisyConfig, runs: Sequence[OpenRun], materials: Materials
) -> tuple[Bench, list[RunPlan]]:
    """Load the base, measure it before training, and plan each run's steps."""
    started = time.perf_counter()
    base = load_base(config.model, config.device)
    cost = {"load_seconds": time.perf_counter() - started}
    measured = encode_materials(base.tokenizer, materials, config.training.max_length)
    require_readable(base.model, (prompt + target for prompt, target in measured.examples))
    started = time.perf_counter()
    store = FolderStore.under(config.outputs_root)
    before = {p: _losses_before(base, store, pairs) for p, pairs in measured.pairs.items()}
    length = config.training.max_length
    scored = _scores_before(base, store, measured.scored_pairs, length)
    filtering = any(run.config.filter.share for run in runs)
    of_all = _scores_before(base, store, measured.examples, length) if filtering else None
    cost["before_seconds"] = time.perf_counter() - started
    plans = [
        RunPlan(r.config.training, r.config.optimizer, plan_run(r.config, materials, of_all))
        for r in runs
    ]
    return Bench(base, materials, measured, before, scored, cost), plans


Group = list[tuple[OpenRun, RunPlan]]


def _groups(config: NoisyConfig, runs: Group, base: BaseModel) -> Iterator[Group]:
    """The runs that are trained together: stacked, or each by itself."""
    grid = config.grid
    stacked = grid.training == "stacked" or (grid.training == "auto" and base.device.type == "cuda")
    stackable = [
        each
        for each in runs
        if stacked and not why_sequential(each[1].training.lora(1), config.model, each[1].optimizer)
    ]
    most = grid.at_once or max(1, len(stackable))
    for start in range(0, len(stackable), most):
        yield stackable[start : start + most]
    for each in runs:
        if each not in stackable:
            yield [each]


def _train_group(config: NoisyConfig, together: Group, bench: Bench) -> None:
    """Train runs together, fewer at a time where memory is short, and write their records."""
    memory = MemoryPlan(
        config.training.micro_batch or config.schedule.batch_size,
        folds=len(together),
        checkpointing=config.training.checkpointing,
    )
    left = list(together)
    while left:
        group = left[: memory.folds]
        try:
            afters, cost = _train(config, [plan for _, plan in group], bench, memory)
        except torch.OutOfMemoryError:
            pass  # leave the except block first: its traceback holds the tensors that did not fit
        else:
            for (run, plan), after in zip(group, afters, strict=True):
                _write(run, plan, after, bench, {**bench.cost, **cost})
            left = left[len(group) :]
            continue
        give_back_memory()
        memory.shrink()
        log.warning("out of memory: training starts again with %s", memory.describe())


def _train(
    config: NoisyConfig, plans: Sequence[RunPlan], bench: Bench, memory: MemoryPlan
) -> tuple[list[After], dict[str, float]]:
    """One attempt; the cost is one run's share."""
    base, pairs, runs = bench.base, bench.measured, len(plans)
    reset_peak(base.device)
    started = time.perf_counter()
    cost = {"runs_at_once": float(runs), "micro_batch": float(memory.micro_batch)}
    cost["checkpointing"] = float(memory.checkpointing)
    every = config.evaluation.every
    shared = SharedTraining(base, pairs.examples, config.seed, memory, every, pairs.means)
    with ExitStack() as stack:
        if runs == 1:
            outcome = stack.enter_context(trained(shared, plans[0]))
        else:
            from tst.noisy_tuning.stacked_runs import trained_together

            outcome = stack.enter_context(trained_together(shared, plans))
        cost["train_seconds"] = (time.perf_counter() - started) / runs
        on_gpu = base.device.type == "cuda"  # a CPU knows the peak of the whole process alone
        cost["peak_memory_bytes"] = peak_memory(base.device) if on_gpu else float("nan")
        started = time.perf_counter()
        afters = _measure_after(outcome, plans, bench)
        cost["after_seconds"] = (time.perf_counter() - started) / runs
    return afters, cost


def _measure_after(outcome: TrainedRuns, plans: Sequence[RunPlan], bench: Bench) -> list[After]:
    pairs = bench.measured
    losses = {part: outcome.losses(examples) for part, examples in pairs.pairs.items()}
    scored = outcome.losses(pairs.scored_pairs)
    confidence = np.full(scored.shape, np.nan)
    if any(has_confidence(plan.optimizer) for plan in plans):
        confidence = outcome.confidences(pairs.scored_pairs)
    afters = []
    for i, (steps, curve) in enumerate(zip(outcome.steps, outcome.curves, strict=True)):
        scores = describe_scores(pairs.scored, bench.before_scored, scored[i], confidence[i])
        afters.append(After(steps, curve, {p: v[i] for p, v in losses.items()}, scores))
    return afters


def _write(run: OpenRun, plan: RunPlan, after: After, bench: Bench, cost: dict[str, Any]) -> None:
    suspects = None
    if run.config.corruption.kind == NO_CORRUPTION:
        suspects = list_suspects(bench.measured.scored, after.scores, run.config.suspects.score)
    tables, summary = describe_result(
        run.config, bench.materials, bench.measured, plan.steps, bench.before, after, cost
    )
    with run.record.writing():
        run.record.write_result({**tables, "suspects.csv": suspects}, summary)


def _scores_before(
    base: BaseModel, store: FolderStore, pairs: Sequence[Example], max_length: int
) -> dict[str, np.ndarray]:
    loss = _losses_before(base, store, pairs)
    alone = _losses_before(base, store, without_prompts(base.tokenizer, pairs, max_length))
    return scores_before(loss, alone, pairs)


def _losses_before(base: BaseModel, store: FolderStore, pairs: Sequence[Example]) -> np.ndarray:
    """Losses of the untrained model, computed once for all runs of a sweep."""
    text = json.dumps([base.identity, str(base.device.type), list(pairs)])
    key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    kept = store.get("pair_losses", key)
    if kept is None:
        kept = pd.DataFrame({"loss": pair_losses(base.model, pairs)})
        store.put("pair_losses", key, kept)
    return kept["loss"].to_numpy()
