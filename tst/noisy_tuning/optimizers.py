"""Optimizers by name, and how to read their confidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from tst.diagnostics.llm.settings import OptimizerSettings
from tst.errors import UserError
from tst.noisy_tuning.casmo import Casmo

Reading = tuple[torch.Tensor | float, torch.Tensor | float]


def _no_reading() -> Reading:
    return torch.nan, torch.nan


@dataclass(frozen=True)
class ReadableOptimizer:
    """An optimizer with what it says of its last step.

    read: (confidence, AGAR), means over coordinates, NaN for optimizers that have none; does not
        wait for the device
    """

    optimizer: torch.optim.Optimizer
    read: Callable[[], Reading] = _no_reading


def build_optimizer(
    settings: OptimizerSettings,
    parameters: Iterable[torch.nn.Parameter],
    learning_rate: float,
    weight_decay: float,
    slices_dim0: bool = False,
) -> ReadableOptimizer:
    """The optimizer that the settings name, over all parameters as one group.

    slices_dim0: parameters hold several models stacked along dim 0, which must not see each other
    Raises UserError for a missing package or a value out of range.
    """
    common = {"lr": learning_rate, "weight_decay": weight_decay, **settings.params}
    if "betas" in common:
        common["betas"] = tuple(common["betas"])
    try:
        if settings.name == "adamw":
            return ReadableOptimizer(torch.optim.AdamW(parameters, fused=True, **common))
        if settings.name == "adamw8bit":
            from bitsandbytes.optim import AdamW8bit

            return ReadableOptimizer(AdamW8bit(parameters, **common))
        if settings.name == "casmo":
            ours = Casmo(parameters, slices_dim0=slices_dim0, **common)
            return ReadableOptimizer(ours, lambda: (ours.confidence, ours.agar))
        return _calibrated(parameters, common)
    except ImportError as error:
        raise UserError(
            f"optimizer={settings.name} needs a package that is not installed ({error.name}): "
            f"pip install {PACKAGES.get(settings.name, error.name)}"
        ) from error
    except ValueError as error:
        raise UserError(f"optimizer={settings.name}: {error}") from error


PACKAGES = {"adamw8bit": "bitsandbytes", "casmo_calibrated": "casmo-optimizer==0.3.0"}


def _calibrated(parameters: Iterable[torch.nn.Parameter], common: dict) -> ReadableOptimizer:
    """The PyPI package's optimizer; it has one confidence a parameter group, as Python floats."""
    from casmo import CASMO

    theirs = CASMO(list(parameters), **common)

    def read() -> Reading:
        (group,) = theirs._group_states.values()
        return group["current_confidence"], group["current_agar"]

    return ReadableOptimizer(theirs, read)


def require_usable(settings: OptimizerSettings, learning_rate: float, weight_decay: float) -> None:
    """Raise UserError where the optimizer cannot be built: before a model is loaded."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    build_optimizer(settings, [parameter], learning_rate, weight_decay)
