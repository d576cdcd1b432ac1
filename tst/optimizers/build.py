"""Optimizers by name, and how to read their confidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch

from tst.core.errors import UserError
from tst.optimizers.casmo import Casmo
from tst.optimizers.settings import OptimizerSettings

Reading = tuple[torch.Tensor | float, torch.Tensor | float]

PACKAGES = {"adamw8bit": "bitsandbytes", "casmo_calibrated": "casmo-optimizer==0.3.0"}


@dataclass(frozen=True)
class ReadableOptimizer:
    """An optimizer with what it says of its last step.

    read: (confidence, AGAR), means over coordinates, NaN for optimizers that have none; does not
        wait for the device
    foresee: the mean confidence that the parameters' present gradients would get in a next step,
        which is not taken; NaN for optimizers that have none
    """

    optimizer: torch.optim.Optimizer
    read: Callable[[], Reading] = lambda: (torch.nan, torch.nan)
    foresee: Callable[[], torch.Tensor | float] = lambda: torch.nan


def optimizer_class(
    settings: OptimizerSettings,
) -> tuple[type[torch.optim.Optimizer], dict[str, Any]]:
    """The class that the settings name, and its own arguments.

    Raises UserError for a package that is not installed.
    """
    arguments = dict(settings.params)
    if "betas" in arguments:
        arguments["betas"] = tuple(arguments["betas"])
    try:
        if settings.name == "adamw":
            return torch.optim.AdamW, {"fused": True, **arguments}
        if settings.name == "adamw8bit":
            from bitsandbytes.optim import AdamW8bit

            return AdamW8bit, arguments
        if settings.name == "casmo":
            return Casmo, arguments
        from tst.optimizers.calibrated import CalibratedCasmo

        return CalibratedCasmo, arguments
    except ImportError as error:
        raise UserError(
            f"optimizer={settings.name} needs a package that is not installed ({error.name}): "
            f"pip install {PACKAGES.get(settings.name, error.name)}"
        ) from error


def build_optimizer(
    settings: OptimizerSettings,
    parameters: Iterable[torch.nn.Parameter],
    learning_rate: float,
    weight_decay: float,
) -> ReadableOptimizer:
    """The optimizer that the settings name, over all parameters as one group.

    Raises UserError for a missing package or a value out of range.
    """
    kind, arguments = optimizer_class(settings)
    try:
        built: Any = kind(
            parameters, **{"lr": learning_rate, "weight_decay": weight_decay, **arguments}
        )
    except ValueError as error:
        raise UserError(f"optimizer={settings.name}: {error}") from error
    if settings.name == "casmo":
        return ReadableOptimizer(built, lambda: (built.confidence, built.agar), built.foresee)
    if settings.name == "casmo_calibrated":
        from tst.optimizers.calibrated import read_package

        return ReadableOptimizer(built, lambda: read_package(built), built.foresee)
    return ReadableOptimizer(built)


def require_usable(settings: OptimizerSettings, learning_rate: float, weight_decay: float) -> None:
    """Raise UserError where the optimizer cannot be built: before a model is loaded."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    build_optimizer(settings, [parameter], learning_rate, weight_decay)
