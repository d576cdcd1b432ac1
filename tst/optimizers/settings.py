"""Which optimizer, and its own parameters, as a plain dataclass; imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

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

    name: str = "adamw"
    params: dict[str, Any] = field(default_factory=dict)


def find_problems(optimizer: OptimizerSettings) -> list[str]:
    """An unknown name or parameter, each with what is known."""
    known = PARAMETERS.get(optimizer.name)
    if known is None:
        return [f"optimizer={optimizer.name}: expected one of {', '.join(PARAMETERS)}"]
    return [
        f"optimizer.params.{name}: optimizer {optimizer.name} has {', '.join(known)}"
        for name in optimizer.params
        if name not in known
    ]
