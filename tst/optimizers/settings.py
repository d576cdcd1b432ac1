"""Which optimizer, and its own parameters, as a plain dataclass; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tst.core.ranges import one_of

PARAMETERS = {
    "adamw": ("betas", "eps"),
    "adamw8bit": ("betas", "eps"),
    "casmo": ("betas", "eps", "c_min", "rho", "r_floor"),
    "casmo_calibrated": (
        *("betas", "eps", "c_min", "tau_init_steps"),
        *("tau_clip_range", "agar_clamp_factor"),
    ),
}
"""optimizer.params of each optimizer; step size and weight decay are the training's."""


@dataclass
class OptimizerSettings:
    """Which optimizer trains the adapters, and its own parameters (betas, eps)."""

    name: str = one_of("adamw", tuple(PARAMETERS))
    params: dict[str, Any] = field(default_factory=dict)


def has_confidence(optimizer: OptimizerSettings) -> bool:
    """Whether the optimizer says how far it trusts a gradient."""
    return optimizer.name.startswith("casmo")


def find_unknown_parameters(optimizer: OptimizerSettings) -> list[str]:
    """One message per parameter that a known optimizer does not have."""
    known = PARAMETERS.get(optimizer.name, tuple(optimizer.params))
    return [
        f"optimizer.params.{name}: optimizer {optimizer.name} has {', '.join(known)}."
        for name in optimizer.params
        if name not in known
    ]
