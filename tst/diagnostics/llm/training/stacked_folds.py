"""Several folds' adapters in one SFTTrainer run over one frozen base."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig

from tst.diagnostics.llm.model.adapters import bare_again
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.prompting.batches import Batch
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.answer_trainer import AnswerTrainer, sft_config
from tst.diagnostics.llm.training.cuda_graphs import GraphedPass
from tst.diagnostics.llm.training.divergence import RequireFinite
from tst.diagnostics.llm.training.fold_casmo import fold_optimizer
from tst.diagnostics.llm.training.fold_optimizer import FoldOptimizer, FoldSteps
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import Training, TrainingCost
from tst.diagnostics.llm.training.stacked_adapters import StackedAdapters
from tst.diagnostics.llm.training.steps import FoldTask, StepCollator, as_inputs
from tst.diagnostics.llm.training.validation import (
    EpochSelection,
    ReadValidation,
    Scored,
    Validated,
    ValidateEpochs,
)

# padded lengths on CUDA: few shapes to capture, and little padding
CUDA_LENGTHS = 8


class StackedTrainer(AnswerTrainer):
    """Trains ``adapters`` (attached to the model) with captured passes where those work."""

    def __init__(self, adapters: StackedAdapters, cuda_graphs: bool, **kwargs: Any) -> None:
        super().__init__(folds=adapters.folds, masks=adapters.masks, **kwargs)
        self.adapters = adapters
        adapters.weights.data = adapters.weights.data.float()  # bf16 by TRL on a quantised base
        self._pass = GraphedPass(self._loss, adapters.weights, cuda_graphs)

    def head_weight(self) -> torch.Tensor | None:
        """The folds' trained heads, as the adapters were last bound."""
        return self.adapters.head

    def learn(self, model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Forward and backward of one pass of all folds; its loss."""
        return self._pass(inputs)

    def capture(self, batch: Batch, uses: int) -> None:
        """Capture passes of this shape if so many are worth it, without learning from this one."""
        (inputs,) = self.prepared_passes(as_inputs([batch]))
        self.model.train()  # type: ignore[union-attr]
        with torch.random.fork_rng(devices=[self.args.device]):
            self._pass.capture(inputs, uses)

    def _loss(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        self.adapters.bind()
        loss: torch.Tensor = self.compute_loss(self.adapters.base.model, inputs)
        return loss

    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> Any:
        """Not asked for: each fold's norm is the optimizer's, and reading it would wait."""
        return grad_norm


def stacked_config(
    folder: str,
    device: torch.device,
    settings: LoraSettings,
    optimizer: OptimizerSettings,
    steps: int,
    seed: int,
    checkpointing: bool,
) -> SFTConfig:
    """``sft_config`` where clipping and schedules are each adapter's own, in the optimizer.

    There is nothing to autocast.
    """
    plain = replace(settings, max_grad_norm=0.0, scheduler="constant", warmup=0.0)
    return sft_config(folder, device, plain, optimizer, steps, seed, checkpointing, autocast=False)


@contextmanager
def stacked_training(
    base: BaseModel,
    settings: LoraSettings,
    optimizer: OptimizerSettings,
    tasks: Sequence[FoldTask],
    memory: MemoryPlan,
    callbacks: Sequence[TrainerCallback] = (),
    read_validation: ReadValidation | None = None,
    lower: LowerStates | None = None,
) -> Iterator[tuple[StackedAdapters, Training]]:
    """The tasks' adapters, trained and attached to the base for the length of this block.

    read_validation: answers validation questions; needed where the tasks have some
    lower: the states below the adapters, where settings.top_layers is not all
    The cost is one adapter's share.
    """
    started = time.perf_counter()
    cuda = base.device.type == "cuda"
    with_head = any(task.learns_choices for task in tasks)
    adapters = StackedAdapters(base, settings, [task.seed for task in tasks], with_head)
    collator = StepCollator(
        tasks,
        settings,
        memory.micro_batch,
        CUDA_LENGTHS if cuda else 1,
        memory.fold_tokens(base, settings, len(tasks)),
    )
    captured = cuda and settings.cuda_graphs and not memory.checkpointing
    with tempfile.TemporaryDirectory() as folder, trainable(base, adapters):
        trainer = StackedTrainer(
            adapters,
            captured,
            yes_no=tasks[0].yes_no,
            lower=lower,
            model=base.model,
            args=stacked_config(
                folder,
                base.device,
                settings,
                optimizer,
                len(collator),
                tasks[0].seed,
                memory.checkpointing,
            ),
            train_dataset=Dataset.from_dict({"step": range(len(collator))}),
            data_collator=collator,
            processing_class=base.tokenizer,
            optimizers=_optimizer(adapters, settings, optimizer, collator),
            callbacks=list(callbacks),
        )
        trainer.remove_callback(PrinterCallback)
        with torch.no_grad():
            adapters.bind()
        trainer.compute_sparingly(settings, tasks)
        if captured:
            for batch, uses in zip(collator.shapes(), collator.uses(), strict=True):
                trainer.capture(batch, uses)
            torch.cuda.synchronize()
        elif cuda:
            trainer.probe(collator.shapes()[0])
        trainer.add_callback(RequireFinite(trainer.loss_history, [adapters.weights]))
        prepared = time.perf_counter() - started
        selection = _selection(adapters, settings, tasks, read_validation)
        if selection is not None:
            trainer.add_callback(ValidateEpochs(selection))
        trainer.train()
        validated = [Validated() for _ in tasks] if selection is None else selection.finish()
        if cuda:
            torch.cuda.synchronize()
        histories = collator.histories(trainer.loss_history)
        del trainer
        folds = len(tasks)
        cost = TrainingCost(
            (time.perf_counter() - started) / folds,
            collator.tokens / folds,
            collator.padded_tokens / folds,
            sum(len(plan) for plan in collator.plans) / folds,
            prepared / folds,
        )
        base.model.eval()
        with torch.no_grad():
            adapters.bind()
        heads = None if adapters.head is None else adapters.head.detach().float().cpu().numpy()
        readings = [
            replace(task.reading, head=None if heads is None else heads[j])
            for j, task in enumerate(tasks)
        ]
        yield adapters, Training(cost, histories, readings, [v.evidence for v in validated])


def _selection(
    adapters: StackedAdapters,
    settings: LoraSettings,
    tasks: Sequence[FoldTask],
    read_validation: ReadValidation | None,
) -> EpochSelection | None:
    """What validates the folds at their epochs' ends; None where nothing is held back."""
    held = [task.validation for task in tasks if task.validation is not None]
    if read_validation is None or not held:
        return None
    read = read_validation

    def read_stacked() -> tuple[Scored, list[np.ndarray]]:
        with torch.no_grad():
            adapters.bind()
        return read(adapters.base.model, held, adapters.head)

    ends = [task.epoch_ends(settings) for task in tasks]
    return EpochSelection(held, ends, [adapters.weights.data], read_stacked)


def _optimizer(
    adapters: StackedAdapters,
    settings: LoraSettings,
    optimizer: OptimizerSettings,
    collator: StepCollator,
) -> tuple[FoldOptimizer, torch.optim.lr_scheduler.LambdaLR]:
    """Each fold's own schedule and clipping; Trainer's scheduler has nothing left to do."""
    steps = FoldSteps(
        collator.rates, collator.active, settings.weight_decay, settings.max_grad_norm
    )
    rule = fold_optimizer(optimizer, adapters.weights, adapters.columns(), steps)
    return rule, torch.optim.lr_scheduler.LambdaLR(rule, lambda _: 1.0)


@contextmanager
def trainable(base: BaseModel, adapters: StackedAdapters) -> Iterator[None]:
    """The base with stacked layers and their weights as its one trainable parameter."""
    model: Any = base.model
    with bare_again(base), adapters.attached():
        model.register_parameter("stacked_lora", adapters.weights)
        before = vars(model).get("_hf_peft_config_loaded")
        # Trainer refuses to train a quantised model that carries no adapter it knows
        model._hf_peft_config_loaded = True
        try:
            yield
        finally:
            del model._parameters["stacked_lora"]
            del model._hf_peft_config_loaded
            if before is not None:
                model._hf_peft_config_loaded = before
