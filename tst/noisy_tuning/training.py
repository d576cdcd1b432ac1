"""One training run by TRL's SFTTrainer, on steps planned beforehand, with every step measured."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from datasets import Dataset
from peft import PeftModel
from transformers import PrinterCallback

from tst.diagnostics.llm.model.adapters import bare_again, lora_config
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.prompting.batches import Batch, collate_pairs
from tst.diagnostics.llm.training.answer_trainer import AnswerTrainer, sft_config
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.step_report import StepReport
from tst.diagnostics.llm.training.steps import as_inputs
from tst.noisy_tuning.encoding import Example
from tst.noisy_tuning.probe import StepProbe
from tst.noisy_tuning.schedule import Step
from tst.noisy_tuning.settings import TrainingSettings
from tst.optimizers.build import build_optimizer
from tst.optimizers.settings import OptimizerSettings


class StepCollator:
    """Turns a step's number into its forward passes of micro_batch pairs, sorted by length."""

    def __init__(
        self, examples: Sequence[Example], steps: Sequence[Step], micro_batch: int
    ) -> None:
        self.examples = examples
        self.micro_batch = micro_batch
        self.lengths = [len(prompt) + len(target) for prompt, target in examples]
        self.steps = [
            sorted(map(int, s.rows), key=self.lengths.__getitem__, reverse=True) for s in steps
        ]

    def __len__(self) -> int:
        return len(self.steps)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return as_inputs(self.passes(int(rows[0]["step"])))

    def passes(self, step: int) -> list[Batch]:
        """The tensors of a step; their weights make its loss the mean over its target tokens."""
        members = [self.examples[i] for i in self.steps[step]]
        targets = sum(len(target) for _, target in members)
        starts = range(0, len(members), self.micro_batch)
        return [collate_pairs([members[i : i + self.micro_batch]], [targets]) for i in starts]

    def longest(self) -> Batch:
        """The pass that needs most memory: the first pass of a step has its longest pairs."""
        step = max(range(len(self)), key=lambda i: self.lengths[self.steps[i][0]])
        return self.passes(step)[0]


class ProbedTrainer(AnswerTrainer):
    """Trains with one of our optimizers; hands the loss of every step to the probe."""

    def __init__(self, optimizer: OptimizerSettings, probe: StepProbe, **arguments: Any) -> None:
        self.optimizer_settings = optimizer
        self.step_probe = probe
        super().__init__(callbacks=[probe, StepReport(optimizer.name)], **arguments)
        self.remove_callback(PrinterCallback)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        trainable = [p for p in self.model.parameters() if p.requires_grad]  # type: ignore[union-attr]
        readable = build_optimizer(
            self.optimizer_settings, trainable, self.args.learning_rate, self.args.weight_decay
        )
        self.step_probe.readable = readable
        self.optimizer = readable.optimizer
        return readable.optimizer

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        self.step_probe.loss = super().training_step(*args, **kwargs)
        return self.step_probe.loss


@dataclass
class TrainedRun:
    """What training left: the base with its adapter, and what the probe saw.

    steps: ``StepProbe.table``
    curve: columns step and held_out
    """

    adapter: PeftModel
    steps: pd.DataFrame
    curve: pd.DataFrame


@contextmanager
def trained(
    base: BaseModel,
    training: TrainingSettings,
    optimizer: OptimizerSettings,
    examples: Sequence[Example],
    steps: Sequence[Step],
    seed: int,
    memory: MemoryPlan,
    every: int,
    held_out: Callable[[Any], float],
) -> Iterator[TrainedRun]:
    """Train an adapter on the planned steps; the bare base again when the block ends."""
    collator = StepCollator(examples, steps, memory.micro_batch)
    lora = training.lora(len(steps[0].rows))
    probe = StepProbe(base.device, every, held_out)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(bare_again(base))
        arguments = sft_config(
            folder,
            base.device,
            lora,
            OptimizerSettings(),
            len(steps),
            1,
            seed,
            memory.checkpointing,
        )
        trainer = ProbedTrainer(
            optimizer,
            probe,
            model=base.model,
            args=arguments,
            train_dataset=Dataset.from_dict({"step": range(len(collator))}),
            data_collator=collator,
            processing_class=base.tokenizer,
            peft_config=lora_config(lora, base.model),
        )
        adapter: Any = trainer.model
        for parameter in adapter.parameters():
            if parameter.requires_grad:  # TRL makes them bf16 on a quantised base
                parameter.data = parameter.data.float()
        if base.device.type == "cuda":
            trainer.probe(collator.longest())
        trainer.train()
        del trainer
        yield TrainedRun(adapter, probe.table(), pd.DataFrame(probe.curve))
