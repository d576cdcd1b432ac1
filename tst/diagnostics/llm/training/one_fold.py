"""One fold's adapter, trained by itself."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from peft import PeftModel
from transformers import PrinterCallback, TrainerCallback

from tst.diagnostics.llm.model.adapters import bare_again, lora_config
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.trained_head import TrainedHead
from tst.diagnostics.llm.scoring.calibration import Evidence
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.answer_trainer import TRL_OPTIMIZERS, AnswerTrainer, sft_config
from tst.diagnostics.llm.training.divergence import RequireFinite
from tst.diagnostics.llm.training.dropout import DropoutMasks, seed_dropout
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.steps import FoldTask, StepCollator
from tst.diagnostics.llm.training.validation import (
    EpochSelection,
    ReadValidation,
    Validated,
    ValidateEpochs,
)
from tst.optimizers.build import optimizer_class


@dataclass
class TrainingCost:
    """What training one fold took, tokens with and without padding.

    compile_seconds: the part of ``seconds`` before the first step: building, capturing
    """

    seconds: float
    tokens: float
    padded_tokens: float
    steps: float
    compile_seconds: float = 0.0


@dataclass
class Training:
    """What is left of a training run: one adapter's share of its cost, and of each adapter its
    history, how its scores are read (not calibrated yet), and what there is to calibrate with.
    """

    cost: TrainingCost
    histories: list[pd.DataFrame]
    readings: list[FoldReading]
    evidence: list[Evidence]

    def of(self, places: Sequence[int]) -> Training:
        """The adapters at these places alone."""
        return Training(
            self.cost,
            [self.histories[p] for p in places],
            [self.readings[p] for p in places],
            [self.evidence[p] for p in places],
        )


def join_trainings(parts: Sequence[Training]) -> Training:
    """Trainings of one adapter each as one; its cost is their mean."""
    costs = [asdict(part.cost) for part in parts]
    return Training(
        TrainingCost(**{name: float(np.mean([c[name] for c in costs])) for name in costs[0]}),
        [part.histories[0] for part in parts],
        [part.readings[0] for part in parts],
        [part.evidence[0] for part in parts],
    )


def _foreign(
    optimizer: OptimizerSettings, learning_rate: float
) -> tuple[type[torch.optim.Optimizer], dict[str, Any]] | None:
    """The class and arguments of an optimizer that TRL does not know itself."""
    if optimizer.name in TRL_OPTIMIZERS:
        return None
    kind, arguments = optimizer_class(optimizer)
    return kind, {"lr": learning_rate, **arguments}


@contextmanager
def _trained_head(base: BaseModel) -> Iterator[TrainedHead]:
    """A new head among the model's parameters for the length of this block."""
    model: Any = base.model
    head = TrainedHead(model.get_output_embeddings().weight.shape[1]).to(base.device)
    model.add_module("tst_head", head)
    try:
        yield head
    finally:
        del model._modules["tst_head"]


@contextmanager
def trained_adapter(
    base: BaseModel,
    settings: LoraSettings,
    optimizer: OptimizerSettings,
    task: FoldTask,
    memory: MemoryPlan,
    callbacks: Sequence[TrainerCallback] = (),
    read_validation: ReadValidation | None = None,
    lower: LowerStates | None = None,
) -> Iterator[tuple[PeftModel, Training]]:
    """The base with this fold's trained adapter on it; the bare base again when the block ends.

    read_validation: answers validation questions; needed where the task has some
    lower: the states below the adapters, where settings.top_layers is not all
    """
    tokens = memory.fold_tokens(base, settings, 1)
    collator = StepCollator([task], settings, memory.micro_batch, fold_tokens=tokens)
    masks = DropoutMasks(settings.dropout)
    started = time.perf_counter()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(bare_again(base))
        trainer = AnswerTrainer(
            masks=masks,
            yes_no=task.yes_no,
            lower=lower,
            model=base.model,
            args=sft_config(
                folder,
                base.device,
                settings,
                optimizer,
                len(collator),
                task.seed,
                memory.checkpointing,
            ),
            train_dataset=Dataset.from_dict({"step": range(len(collator))}),
            data_collator=collator,
            processing_class=base.tokenizer,
            peft_config=lora_config(settings, base.model),
            optimizer_cls_and_kwargs=_foreign(optimizer, settings.learning_rate),
            callbacks=list(callbacks),
        )
        trainer.remove_callback(PrinterCallback)
        adapter: Any = trainer.model
        head = stack.enter_context(_trained_head(base)) if task.learns_choices else None
        trainer.head = head
        seed_dropout(adapter, masks)
        trainer.compute_sparingly(settings, [task])
        for parameter in adapter.parameters():
            if parameter.requires_grad:  # TRL makes them bf16 on a quantised base
                parameter.data = parameter.data.float()
        if base.device.type == "cuda" and not memory.proven:
            trainer.probe(collator.shapes()[0])
            memory.proven = True
        trained = [p for p in adapter.parameters() if p.requires_grad]
        trainer.add_callback(RequireFinite(trainer.loss_history, trained))
        prepared = time.perf_counter() - started
        selection = None
        if task.validation is not None and read_validation is not None:
            validation, read = task.validation, read_validation
            selection = EpochSelection(
                [validation],
                [task.epoch_ends(settings)],
                [p.data[None] for p in adapter.parameters() if p.requires_grad],
                lambda: read(adapter, [validation], None if head is None else head.weight),
            )
            trainer.add_callback(ValidateEpochs(selection))
        trainer.train()
        validated = [Validated()] if selection is None else selection.finish()
        cost = TrainingCost(
            time.perf_counter() - started,
            collator.tokens,
            collator.padded_tokens,
            len(collator),
            prepared,
        )
        readings = [
            replace(
                task.reading,
                head=None if head is None else head.weight.detach()[0].cpu().numpy(),
            )
        ]
        histories = collator.histories(trainer.loss_history)
        training = Training(cost, histories, readings, [v.evidence for v in validated])
        adapter.eval()
        del trainer
        yield adapter, training
