"""Training that failed is a failure: losses, weights and answers must be numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tst.core.errors import ComputingError
from tst.diagnostics.llm.training.loss_history import LossHistory

CHECKED_EVERY = {"cpu": 1, "cuda": 16}
"""Optimizer steps; a look at the losses of a CUDA device waits for it."""


class RequireFinite(TrainerCallback):
    """Ends training with a ComputingError once a loss or, at the end, a weight is NaN or infinite.

    weights: what is trained
    """

    def __init__(self, losses: LossHistory, weights: Sequence[torch.Tensor]) -> None:
        self.losses = losses
        self.weights = weights

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at the losses now and then."""
        if state.global_step % CHECKED_EVERY[args.device.type] == 0:
            self._check(args, state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Look at all losses and weights."""
        self._check(args, state)
        if not all(bool(torch.isfinite(weight).all()) for weight in self.weights):
            raise _failed("an adapter's weights are not finite after the last step", args)

    def _check(self, args: TrainingArguments, state: TrainerState) -> None:
        if bool(torch.isfinite(self.losses.current).all()):
            return
        finite = np.isfinite(self.losses.by_step()).all(axis=0)
        first = int(np.argmin(finite)) + 1
        raise _failed(f"the loss is not finite from step {first} of {state.max_steps} on", args)


def require_finite_answers(answers: pd.DataFrame, title: str) -> None:
    """Raise ComputingError where an option's probability is NaN or infinite.

    answers: frame with p_options; title: whose answers they are
    """
    given = [p for p in answers["p_options"] if p is not None]
    if given and not np.isfinite(np.concatenate(given)).all():
        raise ComputingError(
            f"The {title} answers' probabilities are not finite. Use another model.quantization "
            "or attention (model.attn_implementation=eager); after training, also a lower "
            "diagnostic.learning_rate."
        )


def _failed(what: str, args: TrainingArguments) -> ComputingError:
    return ComputingError(
        f"Training failed: {what}. Lower diagnostic.learning_rate (now {args.learning_rate:g}) or "
        "diagnostic.max_grad_norm, or raise diagnostic.warmup."
    )
