"""Dropout of the adapters' inputs whose masks follow from (seed, step, question) alone.

torch's own dropout draws masks in the order in which a batch is laid out: a fold would then depend
on which other folds train with it, on padding and on the size of a forward pass, and a resumed
record would differ from one that was not interrupted.

An element is kept by the product of two hashes, one of its token and one of its feature: three
kernels per layer on any device, and the masks of two layers, tokens or features are uncorrelated.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from peft.tuners.lora import LoraLayer
from torch import nn

from tst.core.errors import UserError
from tst.diagnostics.llm.model.layers import shared_inputs

_LOW = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9


def dropout_keys(seed: int, step: int, places: range) -> list[int]:
    """A key for each question of an optimizer step, by its place in the step: 32-bit integers."""
    first = int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
    return [(first + place * _GOLDEN) & _LOW for place in places]


class DropoutMasks:
    """Draws the masks of a forward pass, after ``begin`` has named its rows."""

    def __init__(self, probability: float) -> None:
        self.probability = probability
        self._threshold = round(probability * 2**32) - 2**31
        self._tokens = torch.empty(0, dtype=torch.int32)

    def begin(self, keys: torch.Tensor, width: int) -> None:
        """A pass over rows with these keys, int64 (rows,), of ``width`` tokens each, begins."""
        if not self.probability:
            return
        positions = torch.arange(1, width + 1, device=keys.device) * (_GOLDEN | 1)
        self._tokens = _odd_hash(_mix(keys)[:, None] + positions[None, :]).view(-1, 1)

    def drop(self, x: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """x (rows, width, features) with elements set to 0 and the others scaled up.

        features: the layer's ``feature_hashes``
        """
        if not self.probability:
            return x
        if len(self._tokens) != x.shape[:-1].numel():
            raise UserError(
                "diagnostic.dropout: a layer of this model reads other tokens than the prompts', "
                "so that its masks cannot follow from them. Use diagnostic.dropout=0, or name "
                "other layers with diagnostic.targets."
            )
        scale = 1.0 / (1.0 - self.probability)
        dropped: torch.Tensor = _Drop.apply(x, self._tokens, features, self._threshold, scale)
        return dropped


class _Drop(torch.autograd.Function):
    """Dropout whose mask is drawn again for the gradient: neither it nor the input is kept."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        tokens: torch.Tensor,
        features: torch.Tensor,
        threshold: int,
        scale: float,
    ) -> torch.Tensor:
        ctx.save_for_backward(tokens, features)
        ctx.threshold, ctx.scale = threshold, scale
        return _masked(x, tokens, features, threshold, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        tokens, features = ctx.saved_tensors
        gradient = _masked(gradients[0], tokens, features, ctx.threshold, ctx.scale)
        return gradient, None, None, None, None


def _masked(
    x: torch.Tensor, tokens: torch.Tensor, features: torch.Tensor, threshold: int, scale: float
) -> torch.Tensor:
    kept = (tokens * features) >= threshold
    # the only kernel that multiplies by a mask and a number at once
    masked: torch.Tensor = torch.ops.aten.native_dropout_backward(x, kept.view(x.shape), scale)
    return masked


def feature_hashes(layer: int, features: int, device: torch.device) -> torch.Tensor:
    """One odd hash per input feature of a layer: int32 (features,)."""
    first = _mix(torch.tensor(layer + 1, device=device)) << 16
    return _odd_hash(first + torch.arange(features, device=device))


class SeededDropout(nn.Module):
    """Stands in for the dropout of a PEFT layer."""

    def __init__(self, masks: DropoutMasks, features: torch.Tensor) -> None:
        super().__init__()
        self.masks = masks
        self.features = features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x, with dropout while training."""
        return self.masks.drop(x, self.features) if self.training else x


def seed_dropout(adapter: Any, masks: DropoutMasks) -> None:
    """Let a PEFT model's adapter draw from ``masks``; layers that share an input share masks."""
    layers = {
        name: layer
        for name, layer in adapter.base_model.model.named_modules()
        if isinstance(layer, LoraLayer)
    }
    for number, names in enumerate(shared_inputs(list(layers))):
        for name in names:
            layer: Any = layers[name]
            features = feature_hashes(number, layer.in_features, layer.weight.device)
            layer.lora_dropout["default"] = SeededDropout(masks, features)


def _mix(x: torch.Tensor) -> torch.Tensor:
    """lowbias32 of Chris Wellons (https://nullprogram.com/blog/2018/07/31/), in int64."""
    x = x & _LOW
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _LOW
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _LOW
    return x ^ (x >> 16)


def _odd_hash(x: torch.Tensor) -> torch.Tensor:
    """As int32; an odd factor makes the product of two hashes uniform."""
    odd = _mix(x) | 1
    return torch.where(odd >= 2**31, odd - 2**32, odd).to(torch.int32)
