"""``auto`` settings that can change a number, replaced by what they mean for a model."""

from __future__ import annotations

from dataclasses import replace

import torch

from tst.diagnostics.llm.model.layers import ALL_LAYERS
from tst.diagnostics.llm.model.pretrained import count_layers, count_parameters, longest_text
from tst.diagnostics.llm.settings import (
    BY_LENGTH,
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    why_sequential,
)

OPTIONS_BELOW = 1e9
"""Parameters of a model up to which scoring options is measured to find more than letters."""
VALIDATION = {"options": 0.1, "letters": 0.0}


def resolve_settings(settings: LoraSettings, model: ModelSettings) -> LoraSettings:
    """A copy without ``auto`` in what changes numbers, and with top_layers as a number or all.

    max_length is at most what the model can read. Reads the model's configuration alone.

    Raises UserError where the model cannot be found.
    """
    mc_scoring = settings.mc_scoring
    if mc_scoring == "auto":
        mc_scoring = "options" if count_parameters(model) < OPTIONS_BELOW else "letters"
    validation = settings.validation
    if validation == "auto":
        validation = VALIDATION[mc_scoring]
    top_layers = settings.top_layers
    if isinstance(top_layers, float):
        top_layers = max(1, round(top_layers * count_layers(model)))
    return replace(
        settings,
        max_length=min(settings.max_length, longest_text(model) or settings.max_length),
        mc_scoring=mc_scoring,
        validation=float(validation),
        top_layers=top_layers,
        order=BY_LENGTH if settings.order == "auto" else settings.order,
    )


def trains_stacked(
    settings: LoraSettings, model: ModelSettings, optimizer: OptimizerSettings, device: torch.device
) -> bool:
    """Whether folds train together in one pass.

    Through all layers a CPU is as fast either way, and one by one keeps finished folds; the short
    passes of upper layers alone are a quarter faster together (135M, 10 of 30 layers).
    """
    cut = settings.top_layers != ALL_LAYERS
    worthwhile = settings.training == "stacked" or cut or device.type == "cuda"
    wanted = settings.training != "sequential" and worthwhile
    return wanted and not why_sequential(settings, model, optimizer)
