"""Optimizers of stacked adapters: each fold its own clipping, learning rate and end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import get_scheduler

from tst.diagnostics.llm.settings import LoraSettings


@dataclass(frozen=True)
class FoldSteps:
    """Learning rate, end and regularisation of each fold's steps.

    rates: float32 (k, steps), the learning rate of each fold's step
    active: bool (k, steps); a fold whose steps are done keeps its weights and state
    weight_decay: decoupled, as in AdamW
    max_norm: the gradient of each fold is clipped to this norm by itself (0: not at all)
    """

    rates: torch.Tensor
    active: torch.Tensor
    weight_decay: float = 0.0
    max_norm: float = 1.0


class FoldOptimizer(torch.optim.Optimizer):
    """A rule on one tensor [k, n], row by row; ``_move`` is the rule."""

    def __init__(self, weights: torch.nn.Parameter, steps: FoldSteps) -> None:
        super().__init__([weights], {"lr": float(steps.rates.max())})
        self.weights = weights
        self.rates = steps.rates.to(weights.device)
        self.active = steps.active.to(weights.device, torch.float32)
        self.weight_decay, self.max_norm = steps.weight_decay, steps.max_norm
        self.taken = 0

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step of every fold that has steps left."""
        gradient = self.weights.grad
        if gradient is None:
            raise RuntimeError(f"{type(self).__name__}.step() without a gradient")
        if self.max_norm > 0:
            norm = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient.mul_((self.max_norm / (norm + 1e-6)).clamp_(max=1.0))
        rate = self.rates[:, self.taken : self.taken + 1]
        active = self.active[:, self.taken : self.taken + 1]
        self.taken += 1
        if self.weight_decay:
            self.weights.mul_(1.0 - rate * active * self.weight_decay)
        self._move(gradient, rate, active)

    def _move(self, gradient: torch.Tensor, rate: torch.Tensor, active: torch.Tensor) -> None:
        """Step number ``taken``: rates (k, 1), and 1 where a fold takes it, else 0."""
        raise NotImplementedError

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Confidence and AGAR of each fold's last step, (k,) each; NaN for rules that have none."""
        none = torch.full((len(self.weights),), torch.nan)
        return none, none

    def foresee(self) -> torch.Tensor:
        """The confidence (k,) that the present gradient would get in a step that is not taken."""
        return torch.full((len(self.weights),), torch.nan)


class FoldAdamW(FoldOptimizer):
    """AdamW on one tensor [k, n], row by row; nothing waits for the device."""

    def __init__(
        self,
        weights: torch.nn.Parameter,
        steps: FoldSteps,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(weights, steps)
        self.betas, self.eps = betas, eps
        self.mean = torch.zeros_like(weights)
        self.square = torch.zeros_like(weights)

    def _move(self, gradient: torch.Tensor, rate: torch.Tensor, active: torch.Tensor) -> None:
        first, second = self.betas
        self.mean.lerp_(gradient, active * (1.0 - first))
        self.square.lerp_(gradient.square_(), active * (1.0 - second))
        scale = (1.0 - second**self.taken) ** 0.5
        step = rate * active / (1.0 - first**self.taken)
        update = self.square.sqrt().div_(scale).add_(self.eps).reciprocal_().mul_(self.mean)
        self.weights.sub_(update.mul_(step))


def fold_rates(
    settings: LoraSettings, steps: list[int], warmup: list[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Learning rates (k, longest) of each fold's own schedule, and where it still has steps.

    Read off the very scheduler that Trainer uses.
    """
    rates = torch.zeros(len(steps), max(steps))
    active = torch.zeros(len(steps), max(steps), dtype=torch.bool)
    for j, (count, warm) in enumerate(zip(steps, warmup, strict=True)):
        probe = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.learning_rate)
        schedule = get_scheduler(
            settings.scheduler, probe, num_warmup_steps=warm, num_training_steps=count
        )
        for t in range(count):
            rates[j, t] = schedule.get_last_lr()[0]
            probe.step()
            schedule.step()
        active[j, :count] = True
    return rates, active
