"""CASMO on stacked adapters, each fold by itself: as tst/optimizers has it, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import torch

from tst.diagnostics.llm.training.fold_optimizer import FoldAdamW, FoldOptimizer, FoldSteps
from tst.optimizers.build import optimizer_class
from tst.optimizers.casmo_formulas import Confidence, agar_of, direction_of
from tst.optimizers.settings import OptimizerSettings


class FoldCasmo(FoldOptimizer):
    """CASMO on one tensor [k, n]: AGAR is averaged over a fold's own tensor.

    tensors: for each weight of an adapter, its columns of the stacked tensor, int64 (numel,)
    The state is kept in another order of columns: tensors of one length side by side, so that their
    means take one kernel per length.
    """

    def __init__(
        self,
        weights: torch.nn.Parameter,
        steps: FoldSteps,
        tensors: Sequence[torch.Tensor],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        c_min: float = 0.1,
        rho: float = 0.5,
        r_floor: float = 0.1,
    ) -> None:
        super().__init__(weights, steps)
        by_length = sorted(tensors, key=len)
        self.order = torch.cat(by_length).to(weights.device)
        self.place = torch.argsort(self.order)
        self.lengths = {n: n * len(list(same)) for n, same in groupby(map(len, by_length))}
        self.betas, self.rule = betas, Confidence(eps, c_min, rho, r_floor)
        self.mean = torch.zeros_like(weights)
        self.noise = torch.zeros_like(weights)
        self.confidence = torch.full((len(weights),), torch.nan, device=weights.device)
        self.agar = self.confidence.clone()

    def _move(self, gradient: torch.Tensor, rate: torch.Tensor, active: torch.Tensor) -> None:
        first, second = self.betas
        gradient = gradient.index_select(1, self.order)
        surprise = gradient - self.mean
        self.noise.lerp_(surprise.square_(), active * (1.0 - second))
        self.mean.lerp_(gradient, active * (1.0 - first))
        mean, power, confidence, self.agar = self._trust(self.mean, self.noise, self.taken)
        self.confidence = confidence.mean(1)
        update = direction_of(mean, confidence, power, self.rule.eps)
        self.weights.sub_(update.index_select(1, self.place).mul_(rate * active))

    def _trust(
        self, mean: torch.Tensor, noise: torch.Tensor, taken: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Corrected mean, S + N and C (k, n), and the mean AGAR (k,), after ``taken`` steps."""
        first, second = self.betas
        mean = mean / (1.0 - first**taken)
        power = noise / (1.0 - second**taken)
        agar = agar_of(mean, power)
        means = agar.mean(1)
        for part, length in zip(
            agar.split(list(self.lengths.values()), 1), self.lengths, strict=True
        ):
            rows = part.view(len(agar), -1, length)
            self.rule.apply(rows, rows.mean(2, keepdim=True))
        return mean, power, agar, means

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.confidence, self.agar

    @torch.no_grad()
    def foresee(self) -> torch.Tensor:
        assert self.weights.grad is not None
        first, second = self.betas
        gradient = self.weights.grad.index_select(1, self.order)
        noise = torch.lerp(self.noise, (gradient - self.mean).square_(), 1.0 - second)
        mean = torch.lerp(self.mean, gradient, 1.0 - first)
        return self._trust(mean, noise, self.taken + 1)[2].mean(1)


class FoldCalibrated(FoldOptimizer):
    """The package casmo-optimizer, one optimizer per fold; a step waits five times for the device.

    settings: its own arguments
    """

    def __init__(
        self, weights: torch.nn.Parameter, steps: FoldSteps, settings: dict[str, Any]
    ) -> None:
        super().__init__(weights, steps)
        self.settings = settings
        self.counts: list[int] = steps.active.sum(1).tolist()
        self.rule: list[list[float]] = steps.rates.tolist()
        self.folds: list[Any] = []

    def _move(self, gradient: torch.Tensor, rate: torch.Tensor, active: torch.Tensor) -> None:
        from casmo import CASMO

        if not self.folds:  # not before: training may have given the weights another dtype
            rows = [torch.nn.Parameter(row) for row in self.weights.detach()]
            self.folds = [CASMO([row], **self.settings) for row in rows]
        for fold, own in enumerate(self.folds):
            if self.taken <= self.counts[fold]:
                (group,) = own.param_groups
                group["lr"] = self.rule[fold][self.taken - 1]
                group["params"][0].grad = gradient[fold]
                own.step()

    def read(self) -> tuple[torch.Tensor, torch.Tensor]:
        from tst.optimizers.calibrated import read_package

        confidences, agars = zip(*(read_package(own) for own in self.folds), strict=True)
        return torch.tensor(confidences), torch.tensor(agars)

    def foresee(self) -> torch.Tensor:
        from tst.optimizers.calibrated import foresee_package

        gradient = self.weights.grad
        assert gradient is not None
        found = [foresee_package(own, g) for own, g in zip(self.folds, gradient, strict=True)]
        return torch.tensor(found)


def fold_optimizer(
    settings: OptimizerSettings,
    weights: torch.nn.Parameter,
    columns: Sequence[torch.Tensor],
    steps: FoldSteps,
) -> FoldOptimizer:
    """The rule that the settings name, on stacked adapters or some rows of them.

    weights, columns: as of ``StackedAdapters``
    """
    _, arguments = optimizer_class(settings)
    if settings.name == "casmo":
        return FoldCasmo(weights, steps, columns, **arguments)
    if settings.name == "casmo_calibrated":
        own = replace(steps, weight_decay=0.0)
        return FoldCalibrated(weights, own, {**arguments, "weight_decay": steps.weight_decay})
    arguments.pop("fused")
    return FoldAdamW(weights, steps, **arguments)
