"""Several runs of one seed in one SFTTrainer run: their adapters stacked over one frozen base."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from transformers import PrinterCallback

from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training.fold_casmo import fold_optimizer
from tst.diagnostics.llm.training.fold_optimizer import FoldOptimizer, FoldSteps, fold_rates
from tst.diagnostics.llm.training.stacked_adapters import StackedAdapters
from tst.diagnostics.llm.training.stacked_folds import StackedTrainer, stacked_config, trainable
from tst.diagnostics.llm.training.steps import warmup_steps
from tst.noisy_tuning.encoding import Example
from tst.noisy_tuning.losses import run_losses
from tst.noisy_tuning.objective import pair_loss
from tst.noisy_tuning.training import RunPlan, SharedTraining, TrainedRuns, train_probed
from tst.optimizers.build import Reading


@dataclass(frozen=True)
class _Rows:
    """Rows start to end of the stacked weights, which one rule moves."""

    start: int
    end: int
    rule: FoldOptimizer


class RunsOptimizer(torch.optim.Optimizer):
    """Each run's own optimizer on its row of the stacked weights."""

    def __init__(
        self, adapters: StackedAdapters, plans: Sequence[RunPlan], lora: LoraSettings
    ) -> None:
        super().__init__([adapters.weights], {"lr": max(p.training.learning_rate for p in plans)})
        self.adapters, self.plans, self.lora = adapters, plans, lora
        self.rows: list[_Rows] = []

    def _build(self) -> list[_Rows]:
        """A rule for each stretch of runs with the same optimizer.

        Not before the first step: training may have given the weights another dtype.
        """
        rows, columns = [], self.adapters.columns()
        weights = self.adapters.weights
        for _, places in groupby(range(len(self.plans)), lambda i: self.plans[i].optimizer):
            own = list(places)
            start, end = own[0], own[-1] + 1
            part = torch.nn.Parameter(weights.data[start:end])  # the same memory
            steps = self._steps(self.plans[start:end])
            optimizer = self.plans[start].optimizer
            rows.append(_Rows(start, end, fold_optimizer(optimizer, part, columns, steps)))
        return rows

    def _steps(self, plans: Sequence[RunPlan]) -> FoldSteps:
        rates = []
        for plan in plans:
            count = len(plan.steps)
            own = replace(self.lora, learning_rate=plan.training.learning_rate)
            rates.append(fold_rates(own, [count], [warmup_steps(own, count)])[0])
        rate = torch.cat(rates)
        active = torch.ones_like(rate, dtype=torch.bool)
        return FoldSteps(rate, active, self.lora.weight_decay, self.lora.max_grad_norm)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.rows = self.rows or self._build()
        for rows in self.with_gradients():
            rows.rule.step()

    def with_gradients(self) -> list[_Rows]:
        """The rules, each with the present gradient of its rows."""
        gradient = self.adapters.weights.grad
        assert gradient is not None
        for rows in self.rows:
            rows.rule.weights.grad = gradient[rows.start : rows.end]
        return self.rows


class StackedRunsTrainer(StackedTrainer):
    """Trains the adapters of several runs; each has its own optimizer and label smoothing."""

    def __init__(self, plans: Sequence[RunPlan], rule: RunsOptimizer, **arguments: Any) -> None:
        super().__init__(cuda_graphs=False, **arguments)
        self.rule = rule
        smoothing = [plan.training.label_smoothing for plan in plans]
        self.smoothing = (
            torch.tensor(smoothing, device=self.args.device) if any(smoothing) else None
        )
        self.remove_callback(PrinterCallback)

    def pass_loss(
        self, logits: torch.Tensor, states: torch.Tensor, inputs: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        return pair_loss(logits, inputs, self.smoothing, self.loss_history)

    def grad_norms(self) -> torch.Tensor:
        """(runs,), after each run's clipping, which is its optimizer's."""
        gradient = self.adapters.weights.grad
        assert gradient is not None
        norms = torch.linalg.vector_norm(gradient, dim=1)
        most = self.rule.lora.max_grad_norm
        return norms.clamp(max=most) if most else norms

    def read(self) -> list[Reading]:
        """What each run's optimizer says of its last step."""
        return [pair for rows in self.rule.rows for pair in zip(*rows.rule.read(), strict=True)]

    def foresee(self) -> list[torch.Tensor]:
        """The confidence that each run's present gradient would get, NaN where it has none."""
        return [value for rows in self.rule.with_gradients() for value in rows.rule.foresee()]


@contextmanager
def trained_together(shared: SharedTraining, plans: Sequence[RunPlan]) -> Iterator[TrainedRuns]:
    """As ``training.trained``, for runs that differ in optimizer, learning rate, label smoothing
    and in the pairs of their steps; runs with the same optimizer follow each other.
    """
    base, lora = shared.base, plans[0].lora
    adapters = StackedAdapters(base, lora, [shared.seed] * len(plans))
    rule = RunsOptimizer(adapters, plans, lora)
    with tempfile.TemporaryDirectory() as folder, trainable(base, adapters):
        trainer = StackedRunsTrainer(
            plans,
            rule,
            adapters=adapters,
            optimizers=(rule, torch.optim.lr_scheduler.LambdaLR(rule, lambda _: 1.0)),
            **shared.trainer_arguments(stacked_config, folder, plans),
        )

        def losses(pairs: Sequence[Example]) -> np.ndarray:
            with torch.no_grad():
                adapters.bind()
            return run_losses(base.model, pairs, len(plans))

        yield train_probed(shared, trainer, len(plans), f"{len(plans)} runs", losses)
