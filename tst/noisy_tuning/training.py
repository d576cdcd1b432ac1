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

from tst.diagnostics.llm.adapters import bare_again, lora_config
from tst.diagnostics.llm.batches import Batch, collate_training
from tst.diagnostics.llm.memory import MemoryPlan
from tst.diagnostics.llm.models import BaseModel
from tst.diagnostics.llm.progress import StepReport
from tst.diagnostics.llm.training import AnswerTrainer, as_inputs, sft_config
from tst.noisy_tuning.encoding import Example
from tst.noisy_tuning.probe import StepProbe
from tst.noisy_tuning.schedule import Step
from tst.noisy_tuning.settings import TrainingSettings
from tst.optimizers.build import build_optimizer
from tst.optimizers.settings import OptimizerSettings


class StepCollator:
    """Turns a micro-batch's number into its tensors; a step's pairs are sorted by length."""

    def __init__(
        self, examples: Sequence[Example], steps: Sequence[Step], micro_batch: int
    ) -> None:
        self.examples = examples
        self.micro_batch = micro_batch
        self.accumulation = -(-len(steps[0].rows) // micro_batch)
        lengths = [len(prompt) + len(target) for prompt, target in examples]
        self.steps = [
            sorted(map(int, s.rows), key=lengths.__getitem__, reverse=True) for s in steps
        ]

    def __len__(self) -> int:
        return len(self.steps) * self.accumulation

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        return as_inputs(self.micro_batch_at(int(rows[0]["micro_batch"])))

    def micro_batch_at(self, number: int) -> Batch:
        """The tensors of one micro-batch; its weights make a step the mean of its target tokens."""
        step, part = divmod(number, self.accumulation)
        members = [self.examples[i] for i in self.steps[step]]
        here = members[part * self.micro_batch : (part + 1) * self.micro_batch]
        return collate_training([list(here)], [sum(len(target) for _, target in members)])

    def longest(self) -> Batch:
        """The micro-batch that needs most memory: a step's first has its longest pairs."""

        def width(number: int) -> int:
            return sum(map(len, self.examples[self.steps[number // self.accumulation][0]]))

        return self.micro_batch_at(max(range(0, len(self), self.accumulation), key=width))


class ProbedTrainer(AnswerTrainer):
    """Trains with an optimizer of ours; its probe hears of every micro-batch."""

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
        loss = super().training_step(*args, **kwargs)
        self.step_probe.loss = self.step_probe.loss + loss
        return loss


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
            collator.accumulation,
            seed,
            memory.checkpointing,
        )
        trainer = ProbedTrainer(
            optimizer,
            probe,
            model=base.model,
            args=arguments,
            train_dataset=Dataset.from_dict({"micro_batch": range(len(collator))}),
            data_collator=collator,
            processing_class=base.tokenizer,
            peft_config=lora_config(lora),
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
