"""One training run by TRL's SFTTrainer, on steps planned beforehand, with every step measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from transformers import PrinterCallback

from tst.diagnostics.llm.model.adapters import bare_again, lora_config
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.prompting.batches import collate_pairs
from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training.answer_trainer import AnswerTrainer, sft_config
from tst.diagnostics.llm.training.dropout import DropoutMasks, seed_dropout
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.step_report import StepReport
from tst.diagnostics.llm.training.steps import as_inputs
from tst.noisy_tuning.encoding import Example
from tst.noisy_tuning.losses import run_losses
from tst.noisy_tuning.objective import pair_loss
from tst.noisy_tuning.schedule import Step
from tst.noisy_tuning.settings import TrainingSettings
from tst.noisy_tuning.step_passes import PairCollator
from tst.noisy_tuning.step_probe import StepProbe
from tst.optimizers.build import ReadableOptimizer, Reading, build_optimizer
from tst.optimizers.settings import OptimizerSettings

Losses = Callable[[Sequence[Example]], np.ndarray]
"""Losses of pairs under the adapters of all runs: float array (runs, n)."""
MeasureLosses = Callable[[Losses], Mapping[str, np.ndarray]]
"""Mean losses by name, each (runs,), from a way to get losses of pairs."""


@dataclass(frozen=True)
class RunPlan:
    """What a run trains, besides what all runs of a grid share.

    steps: the pairs of each optimizer step
    """

    training: TrainingSettings
    optimizer: OptimizerSettings
    steps: Sequence[Step]

    @property
    def lora(self) -> LoraSettings:
        return self.training.lora(len(self.steps[0].rows))


@dataclass(frozen=True)
class SharedTraining:
    """What runs that are trained at once share, but for their plans.

    every: steps between calls of ``measure``; 0: none
    """

    base: BaseModel
    examples: Sequence[Example]
    seed: int
    memory: MemoryPlan
    every: int
    measure: MeasureLosses

    def trainer_arguments(
        self, config: Callable[..., Any], folder: str, plans: Sequence[RunPlan]
    ) -> dict[str, Any]:
        """Of a trainer of the plans; config: ``sft_config`` or ``stacked_config``."""
        steps = [plan.steps for plan in plans]
        collator = PairCollator(self.examples, steps, self.memory.micro_batch, self.seed)
        arguments = config(
            folder, self.base.device, plans[0].lora, OptimizerSettings(), len(collator), self.seed,
            self.memory.checkpointing,
        )  # fmt: skip
        return {
            "model": self.base.model,
            "args": arguments,
            "train_dataset": Dataset.from_dict({"step": range(len(collator))}),
            "data_collator": collator,
            "processing_class": self.base.tokenizer,
        }


@dataclass
class TrainedRuns:
    """What training left; usable while the adapters are on the base.

    steps, curves: one table per run, as of ``StepProbe``
    losses: losses of pairs now
    confidences: the mean confidence (runs, n) that each pair's own gradient would get in a next
        step, which is not taken; NaN for optimizers that have none
    """

    steps: list[pd.DataFrame]
    curves: list[pd.DataFrame]
    losses: Losses
    confidences: Losses


class ProbedTrainer(AnswerTrainer):
    """Trains with one of our optimizers."""

    def __init__(self, plan: RunPlan, **arguments: Any) -> None:
        self.plan = plan
        self.readable: ReadableOptimizer | None = None
        super().__init__(**arguments)
        smoothing = plan.training.label_smoothing
        self.smoothing = torch.tensor([smoothing], device=self.args.device) if smoothing else None
        self.remove_callback(PrinterCallback)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        self.readable = build_optimizer(
            self.plan.optimizer, self.trained(), self.args.learning_rate, self.args.weight_decay
        )
        self.optimizer = self.readable.optimizer
        return self.readable.optimizer

    def trained(self) -> list[torch.nn.Parameter]:
        """The adapter's weights."""
        return [p for p in self.model.parameters() if p.requires_grad]  # type: ignore[union-attr]

    def pass_loss(
        self, logits: torch.Tensor, states: torch.Tensor, inputs: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        return pair_loss(logits, inputs, self.smoothing, self.loss_history)

    def grad_norms(self) -> torch.Tensor:
        """(1,)"""
        grads = [p.grad for p in self.trained() if p.grad is not None]
        return torch.nn.utils.get_total_norm(grads).view(1)

    def read(self) -> list[Reading]:
        """What the optimizer of the one run says of its last step."""
        assert self.readable is not None
        return [self.readable.read()]

    def foresee(self) -> list[torch.Tensor | float]:
        """The confidence of the present gradients, of the one run."""
        assert self.readable is not None
        return [self.readable.foresee()]


def train_probed(
    shared: SharedTraining, trainer: Any, runs: int, label: str, losses: Losses
) -> TrainedRuns:
    """Train to the end, with every step measured.

    trainer: a ``ProbedTrainer`` or ``StackedRunsTrainer``; label: of the runs, in the log
    losses: as of ``TrainedRuns``
    """
    probe = StepProbe(trainer, shared.every, lambda: shared.measure(losses))
    trainer.add_callback(probe)
    trainer.add_callback(StepReport(label))
    if trainer.args.device.type == "cuda":
        trainer.probe(trainer.data_collator.longest())
    trainer.train()
    return TrainedRuns(
        probe.tables(trainer.loss_history.by_step()),
        [probe.curves(run) for run in range(runs)],
        losses,
        lambda pairs: confidences(trainer, runs, pairs),
    )


def confidences(trainer: Any, runs: int, examples: Sequence[Example]) -> np.ndarray:
    """The confidence (runs, n) of each example's gradient alone, drawn without dropout."""
    found = []
    probability, trainer.masks.probability = trainer.masks.probability, 0.0
    try:
        for example in examples:
            batch = collate_pairs([[example]] * runs, [len(example[1])] * runs)
            trainer.training_step(trainer.model, as_inputs([batch]))
            found.append(trainer.foresee())
            trainer.model.zero_grad()
    finally:
        trainer.masks.probability = probability
    return np.array([[float(value) for value in of_runs] for of_runs in found]).T.reshape(runs, -1)


@contextmanager
def trained(shared: SharedTraining, plan: RunPlan) -> Iterator[TrainedRuns]:
    """Train an adapter on the planned steps; the bare base again when the block ends."""
    base, masks = shared.base, DropoutMasks(plan.lora.dropout)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(bare_again(base))
        trainer = ProbedTrainer(
            plan,
            masks=masks,
            peft_config=lora_config(plan.lora, base.model),
            **shared.trainer_arguments(sft_config, folder, [plan]),
        )
        adapter: Any = trainer.model
        seed_dropout(adapter, masks)
        for parameter in trainer.trained():  # TRL makes them bf16 on a quantised base
            parameter.data = parameter.data.float()

        def losses(pairs: Sequence[Example]) -> np.ndarray:
            return run_losses(adapter, pairs, 1)

        yield train_probed(shared, trainer, 1, plan.optimizer.name, losses)
