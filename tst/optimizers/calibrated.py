"""The PyPI package casmo-optimizer 0.3.0, given the weights as one tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from casmo import CASMO
from torch import Tensor

from tst.optimizers.casmo import lay_end_to_end


class CalibratedCasmo(CASMO):
    """The package's optimizer on one tensor per parameter group, which the parameters are views of.

    The package waits for the device three times per tensor (NaN, infinity, the step size) and twice
    per group. It has one confidence per group, over all coordinates, so that one long tensor moves
    bit for bit as its parts would, and a step waits five times in all.
    """

    def __init__(self, params: Iterable[Any], **settings: Any) -> None:
        given = list(params)
        groups = given if given and isinstance(given[0], dict) else [{"params": given}]
        self.parts: list[list[Tensor]] = [list(g["params"]) for g in groups if g["params"]]
        whole = [torch.nn.Parameter(lay_end_to_end(parts).detach()) for parts in self.parts]
        for parts, flat in zip(self.parts, whole, strict=True):
            sizes = [p.numel() for p in parts]
            for part, piece in zip(parts, flat.detach().split(sizes), strict=True):
                part.data = piece.view(part.shape)
        kept = [g for g in groups if g["params"]]
        flat_groups = [{**g, "params": [f]} for g, f in zip(kept, whole, strict=True)]
        super().__init__(flat_groups, **settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update; a parameter without a gradient counts as one with a gradient of zero."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for parts, group in zip(self.parts, self.param_groups, strict=True):
            (flat,) = group["params"]
            grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parts]
            flat.grad = lay_end_to_end(grads)
        super().step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of the parameters, which are what training fills."""
        super().zero_grad(set_to_none)
        for p in (p for parts in self.parts for p in parts):
            if set_to_none:
                p.grad = None
            elif p.grad is not None:
                p.grad.zero_()

    def foresee(self) -> float:
        """``foresee_package`` of the gradients that the parameters hold now."""
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parts[0]]
        return foresee_package(self, lay_end_to_end(grads))


def read_package(optimizer: CASMO) -> tuple[float, float]:
    """Confidence and AGAR of the last step, of the first group: floats on the host already.

    The confidence is NaN until the package has calibrated itself (50 steps unless
    ``tau_init_steps`` says otherwise): until then it is a constant.
    """
    state = optimizer._group_states[0]
    confidence = state["current_confidence"] if state["tau_initialized"] else math.nan
    return confidence, state["current_agar"]


@torch.no_grad()
def foresee_package(optimizer: CASMO, gradient: Tensor) -> float:
    """The confidence that a gradient (n,) would get in a next step, which is not taken.

    The package's own formulas on its moments after such a step; of the first group, which has one
    tensor. NaN until the package has calibrated itself.
    """
    known, (group, *_) = optimizer._group_states[0], optimizer.param_groups
    if not known["tau_initialized"]:
        return math.nan
    state = optimizer.state[group["params"][0]]
    first, second = group["betas"]
    mean = state["exp_avg"] * first + gradient * (1 - first)
    square = state["exp_avg_sq"] * second + gradient.square() * (1 - second)
    agar = optimizer._compute_agar(mean, square, group["eps"], group["agar_clamp_factor"])
    return float(optimizer._compute_confidence(agar.item(), known, group["c_min"]))
