"""What a user can set of the noisy-tuning experiment, as plain dataclasses.

Imports neither torch nor transformers: the configuration schema reads this module.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any

from tst.benchmarks.settings import HubSettings
from tst.core.ranges import bounded, find_range_problems, one_of
from tst.diagnostics.llm.settings import (
    AdapterSettings,
    LoraSettings,
    ModelSettings,
    find_conflicts,
)
from tst.noisy_tuning.grid_settings import SCORES_BEFORE, GridSettings, find_grid_conflicts
from tst.optimizers.settings import OptimizerSettings, has_confidence
from tst.tracking.settings import TrackingSettings
from tst.tracking.settings import find_conflicts as find_tracking_conflicts

AUTO = "auto"
FORMATS = ("auto", "alpaca", "messages", "preference")
NO_CORRUPTION = "none"
CORRUPTIONS = ("shuffled", "random", "rejected", NO_CORRUPTION)
SCHEDULES = ("plain", "probe")
SCORES = (*SCORES_BEFORE, "loss_drop", "confidence")


@dataclass
class PairColumns:
    """Which source column holds what; ``a.b`` reaches into a nested column.

    alpaca: ``instruction``, ``input`` (may be missing or empty) and ``output``
    messages: ``messages``, a list of {role, content}, or ShareGPT's {from, value}, that ends with
        the assistant's
    preference: ``instruction``, ``chosen`` and ``rejected``; where these two are lists of messages
        the instruction is read from them
    id: what a pair is called in suspects.csv; may be missing: row0, row1, ... then
    """

    instruction: str = "instruction"
    input: str = "input"
    output: str = "output"
    messages: str = "messages"
    chosen: str = "chosen"
    rejected: str = "rejected"
    id: str = "id"


@dataclass
class DataSettings:
    """Instruction pairs: generated where neither ``path`` nor ``hub.repo`` is set.

    name: its name in tables
    path: a local JSON, JSONL, CSV, TSV, Parquet or xlsx file, read instead of anything else
    hub: where it is on the Hugging Face hub
    format: alpaca, messages, preference, or auto: decided by the columns
    n: number of pairs used, drawn with the seed; null: all (400 where they are generated)
    held_out: number of clean pairs kept from training, to measure the loss on; auto: a quarter of
        the pairs, at most 100
    strict: a bad row is an error; false: it is left out and counted
    """

    name: str = "generated"
    path: str | None = None
    hub: HubSettings = field(default_factory=HubSettings)
    format: str = one_of("auto", FORMATS)
    columns: PairColumns = field(default_factory=PairColumns)
    n: int | None = bounded(None, at_least=1, note="null: all pairs")
    held_out: Any = bounded(AUTO, at_least=1, auto=True)
    strict: bool = True


@dataclass
class CorruptionSettings:
    """How training pairs are corrupted.

    kind: shuffled (the response of another corrupted pair), random (as many random words), rejected
        (the response that the data itself rejects), or none (the pairs as they are: suspects.csv
        lists those that look wrong)
    share: fraction of the training pairs, rounded to whole pairs; none: no effect
    """

    kind: str = one_of("shuffled", CORRUPTIONS)
    share: float = bounded(0.3, above=0, below=1, note="clean and corrupted pairs are compared")


@dataclass
class ScheduleSettings:
    """Which pairs each optimizer step sees.

    kind: plain (shuffled), or probe (clean, corrupted and mixed steps in turn)
    steps: optimizer steps; auto: 150 on a GPU, 54 on a CPU
    batch_size: pairs per optimizer step, whatever the memory; auto: 32 on a GPU, 4 on a CPU
    """

    kind: str = one_of("plain", SCHEDULES)
    steps: Any = bounded(AUTO, at_least=1, auto=True)
    batch_size: Any = bounded(AUTO, at_least=1, auto=True)


@dataclass
class FilterSettings:
    """Leaving out the training pairs that look most suspicious before training, corrupted or not.

    share: fraction of the training pairs, rounded to whole pairs; 0: all are trained on
    score: as of ``SuspectSettings``: loss_before (the highest go) or prompt_gain (the lowest go)
    """

    share: float = bounded(0.0, at_least=0, below=1)
    score: str = one_of("loss_before", SCORES_BEFORE)


@dataclass
class SuspectSettings:
    """How single pairs are scored for looking wrong.

    score: what suspects.csv is sorted by: prompt_gain (how much the prompt lowers the response's
        loss before training, least first), loss_before (training), loss_drop (how much training
        lowered it, least first) or confidence (that the pair's own gradient would get after
        training, lowest first; optimizers that have one)
    pairs: most training pairs scored where corruption is known (all where it is none); auto: 1000
        on a GPU, 32 on a CPU
    """

    score: str = one_of("prompt_gain", SCORES)
    pairs: Any = bounded(AUTO, at_least=1, auto=True)


@dataclass
class TrainingSettings(AdapterSettings):
    """How the adapter is trained: constant step size and no clipping, so that the optimizer alone
    decides how far a step goes.

    label_smoothing: share of each target token's probability that is spread over all tokens
    micro_batch: pairs per forward pass; 0: a whole step, less where memory is short
    checkpointing: gradient checkpointing from the start, not only where memory is short
    """

    r: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    weight_decay: float = 0.01
    scheduler: str = "constant"
    warmup: float = 0.0
    max_grad_norm: float = 0.0
    max_length: int = 512
    label_smoothing: float = bounded(0.0, at_least=0, below=1)
    checkpointing: bool = False

    def lora(self, batch_size: int) -> LoraSettings:
        """The same in the terms of the stress test's training."""
        shared = {each.name: getattr(self, each.name) for each in fields(AdapterSettings)}
        return LoraSettings(**shared, batch_size=batch_size)


@dataclass
class EvaluationSettings:
    """Losses of single pairs, without dropout.

    pairs: most pairs measured per part (clean, corrupted, held-out), drawn with the seed; auto:
        1000 on a GPU, 32 on a CPU
    every: steps between measurements on the way (held-out loss, memorised); 0: only before and
        after training; auto: 25 on a GPU, 27 on a CPU
    """

    pairs: Any = bounded(AUTO, at_least=1, auto=True)
    every: Any = bounded(AUTO, at_least=0, auto=True)


@dataclass
class NoisyConfig:
    """One run: an optimizer, a seed, a schedule; or the runs of a grid, of one seed and schedule.

    seed: draws held-out pairs, corruption, schedule, adapter and dropout
    outputs_root: everything a run writes is under it
    device: auto, cpu, cuda, cuda:1, ...
    fail_fast: stop a sweep at its first failed job
    """

    data: DataSettings = field(default_factory=DataSettings)
    corruption: CorruptionSettings = field(default_factory=CorruptionSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    filter: FilterSettings = field(default_factory=FilterSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    suspects: SuspectSettings = field(default_factory=SuspectSettings)
    grid: GridSettings = field(default_factory=GridSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    seed: int = bounded(0, at_least=0)
    outputs_root: str = "outputs"
    device: str = AUTO
    fail_fast: bool = False


BY_DEVICE = {
    "cuda": {"steps": 150, "batch_size": 32, "pairs": 1000, "every": 25, "scored": 1000},
    "cpu": {"steps": 54, "batch_size": 4, "pairs": 32, "every": 27, "scored": 32},
}
"""What ``auto`` stands for."""


def resolve_auto(config: NoisyConfig, device: str) -> NoisyConfig:
    """A copy in which ``auto`` is replaced by the value for this kind of device.

    Where nothing is corrupted, the share is 0.
    """
    config = deepcopy(config)
    by_device = BY_DEVICE[device]
    schedule, evaluation = config.schedule, config.evaluation
    schedule.steps = by_device["steps"] if schedule.steps == AUTO else schedule.steps
    schedule.batch_size = (
        by_device["batch_size"] if schedule.batch_size == AUTO else schedule.batch_size
    )
    evaluation.pairs = by_device["pairs"] if evaluation.pairs == AUTO else evaluation.pairs
    evaluation.every = by_device["every"] if evaluation.every == AUTO else evaluation.every
    suspects = config.suspects
    suspects.pairs = by_device["scored"] if suspects.pairs == AUTO else suspects.pairs
    if config.corruption.kind == NO_CORRUPTION:
        config.corruption.share = 0.0
    return config


def find_problems(config: NoisyConfig) -> list[str]:
    """Everything wrong with a config that can be seen without reading or loading anything."""
    problems = find_range_problems(config)
    training = config.training
    if training.scheduler == "constant" and training.warmup:
        problems.append(
            f"training.warmup={training.warmup}: training.scheduler=constant has no warmup; "
            "use training.scheduler=constant_with_warmup."
        )
    probe = config.schedule.kind == "probe"
    if probe and config.corruption.kind == NO_CORRUPTION:
        problems.append(
            "schedule.kind=probe: its steps are drawn by what is corrupted, and with "
            "corruption=none nothing is; use schedule.kind=plain."
        )
    if probe and config.filter.share:
        problems.append(
            f"filter.share={config.filter.share}: schedule.kind=probe draws its steps by what is "
            "corrupted, which a filter is not told; use schedule.kind=plain or filter.share=0."
        )
    asked = config.suspects.score == "confidence" and config.corruption.kind == NO_CORRUPTION
    if asked and not config.grid.contenders and not has_confidence(config.optimizer):
        problems.append(
            f"suspects.score=confidence: optimizer={config.optimizer.name} has none; use "
            "optimizer=casmo or another suspects.score."
        )
    problems += find_tracking_conflicts(config.tracking)
    problems += find_grid_conflicts(config.grid, config.model)
    return problems + find_conflicts(config.model, config.optimizer)
