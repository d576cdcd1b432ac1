"""TRL's SFTTrainer on prepared steps: the loss of answers alone, and its arguments."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.utils.data import Sampler, SequentialSampler
from trl import SFTConfig, SFTTrainer

from tst.diagnostics.llm.model.adapters import torch_seed
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.joined_rows import additive_mask, join_rows
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.trained_head import TrainedHead
from tst.diagnostics.llm.model.uppermost_mlp import running_at, uppermost_mlp
from tst.diagnostics.llm.prompting.batches import Batch
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.dropout import DropoutMasks
from tst.diagnostics.llm.training.loss_history import LossHistory
from tst.diagnostics.llm.training.objective import pass_losses
from tst.diagnostics.llm.training.steps import (
    FoldTask,
    as_inputs,
    draws_dropout,
    joins_questions,
    warmup_steps,
)

TRL_OPTIMIZERS = {"adamw": "adamw_torch_fused", "adamw8bit": "adamw_bnb_8bit"}


class AnswerTrainer(SFTTrainer):
    """SFTTrainer whose loss is the answers' alone, with logits at their positions only.

    Weights already divide each token's loss by its optimizer step's target tokens, so micro-batches
    add up to the same gradient whatever their size. Nothing here waits for the device.

    folds: how many share a micro-batch; their losses are in ``loss_history``
    masks: what the adapters draw their dropout from; None where they draw as torch does
    yes_no: tokens whose logits score an option; None where options are letters
    head: trained beside the adapter; None where no choice is learned
    lower: what the layers below the adapters make of texts; None where none lie below
    joins: whether questions of a fold that begin alike share a row
    mlp: the uppermost layer's, where it runs at the positions that are read alone
    """

    joins = False
    mlp: torch.nn.Module | None = None

    def __init__(
        self,
        folds: int = 1,
        masks: DropoutMasks | None = None,
        yes_no: tuple[int, int] | None = None,
        head: TrainedHead | None = None,
        lower: LowerStates | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.lower = lower
        self.folds, self.yes_no, self.head = folds, yes_no, head
        self.masks = masks
        self.loss_history = LossHistory(folds, self.args.device)

    def compute_sparingly(self, settings: LoraSettings, tasks: Sequence[FoldTask]) -> None:
        """On a CPU compute nothing twice, and nothing that is not read: the same gradients.

        Not with dropout: what is computed once for several questions has one draw for all.
        """
        model: Any = self.accelerator.unwrap_model(self.model)
        if self.args.device.type != "cpu" or draws_dropout(model, settings):
            return
        self.joins = joins_questions(model, settings, tasks)
        if not self.args.gradient_checkpointing:  # computes again without what is hooked in
            self.mlp = uppermost_mlp(model, self.folds)

    def head_weight(self) -> torch.Tensor | None:
        """The folds' trained heads (folds, hidden, columns); None where no choice is learned."""
        return None if self.head is None else self.head.weight

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        if self.masks is not None:
            self.masks.begin(inputs["dropout_keys"], inputs["input_ids"].shape[1])
        head = AnswerHead(self.accelerator.unwrap_model(model), self.lower)
        how = {name: inputs[name] for name in ("attention_mask", "position_ids") if name in inputs}
        alone: AbstractContextManager[None] = nullcontext()
        if self.mlp is not None:
            alone = running_at(self.mlp, inputs["positions"])
        with head.attached(), alone:
            logits, output = head.logits(
                inputs["input_ids"],
                inputs["positions"],
                inputs.get("states"),
                use_cache=False,
                **how,
            )
        loss = self.pass_loss(logits, head.states, inputs)
        return (loss, output) if return_outputs else loss

    def pass_loss(
        self, logits: torch.Tensor, states: torch.Tensor, inputs: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """What a pass is trained to lower; its losses are added to ``loss_history``.

        logits: (m, vocabulary) and states: (m, hidden), at the batch's flat positions
        """
        losses, folds = pass_losses(
            logits, states, inputs, self.head_weight(), self.yes_no, self.folds
        )
        self.loss_history.add(losses, folds)
        return losses.sum()

    def training_step(
        self, model: torch.nn.Module, inputs: dict[str, Any], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Forward and backward of all passes of a step; their losses add up."""
        model.train()
        self.loss_history.begin_step()
        loss = torch.zeros((), device=self.args.device)
        for one in self.prepared_passes(inputs):
            loss = loss + self.learn(model, one)
        self.loss_history.end_step()
        return loss

    def prepared_passes(self, inputs: dict[str, Any]) -> Iterator[dict[str, torch.Tensor]]:
        """A step's passes on the device, with the states that a cut model starts from."""
        prepared: dict[str, Any] = self._prepare_inputs(inputs)
        for one, fed in zip(prepared["passes"], prepared["fed"].passes, strict=True):
            if self.lower is not None:
                one["states"] = self.lower.gather(fed, one["input_ids"].shape[1])
            yield self._joined(one, fed) if self.joins else one

    def _joined(
        self, one: dict[str, torch.Tensor], fed: list[list[int] | None]
    ) -> dict[str, torch.Tensor]:
        """A pass whose rows hold several questions of a fold, where that takes fewer tokens."""
        ids = one["input_ids"]
        rows = join_rows(fed, ids.shape[1], self.folds)
        if rows is None:
            return one
        rows = rows.to(ids.device)
        model: Any = self.model
        dtype = model.get_input_embeddings().weight.dtype
        joined = {
            "input_ids": ids.flatten()[rows.source],
            "positions": rows.places[one["positions"]],
            "attention_mask": additive_mask(rows.sees[:, None], dtype),
            "position_ids": rows.positions,
        }
        if "states" in one:
            joined["states"] = one["states"].flatten(0, 1)[rows.source]
        return one | joined

    def learn(self, model: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """Forward and backward of one pass; its loss."""
        with self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs)
        self.accelerator.backward(loss)
        return loss.detach()

    def probe(self, batch: Batch) -> None:
        """Run one pass without learning from it, to see whether it fits in memory."""
        model: Any = self.model
        if self.args.gradient_checkpointing:  # Trainer itself does so later, when training starts
            model.gradient_checkpointing_enable(self.args.gradient_checkpointing_kwargs)
        devices = [self.args.device] if self.args.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            self.training_step(model, as_inputs([batch]))
        model.zero_grad()
        self.loss_history.clear()

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: Trainer's estimate knows neither passes nor stacked adapters."""
        return 0

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        """In the planned order."""
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]


def sft_config(
    folder: str,
    device: torch.device,
    settings: LoraSettings,
    optimizer: OptimizerSettings,
    steps: int,
    seed: int,
    checkpointing: bool,
    autocast: bool = True,
) -> SFTConfig:
    """SFTTrainer's arguments: nothing on disk, no logging, no synchronisation with the device."""
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*", category=FutureWarning)
    betas = optimizer.params.get("betas", (0.9, 0.999))
    config = SFTConfig(
        output_dir=folder,
        seed=torch_seed(seed),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=1,
        num_train_epochs=1,
        learning_rate=settings.learning_rate,
        lr_scheduler_type=settings.scheduler,
        warmup_steps=warmup_steps(settings, steps),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim=TRL_OPTIMIZERS.get(optimizer.name, "adamw_torch_fused"),
        adam_beta1=float(betas[0]),
        adam_beta2=float(betas[1]),
        adam_epsilon=float(optimizer.params.get("eps", 1e-8)),
        bf16=autocast and device.type == "cuda",
        gradient_checkpointing=checkpointing,
        use_cpu=device.type == "cpu",
        dataset_kwargs={"skip_prepare_dataset": True},
        max_length=None,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to=[],
        router_aux_loss_coef=0.0,
        disable_tqdm=True,
        average_tokens_across_devices=False,
        accelerator_config={"non_blocking": device.type == "cuda"},
    )
    if device.type == "cuda":
        # TrainingArguments take cuda:0 and all GPUs (DataParallel); others' jobs run on the others
        config.__dict__["_setup_devices"] = device
        config._n_gpu = 1
        torch.cuda.set_device(device)
    return config
