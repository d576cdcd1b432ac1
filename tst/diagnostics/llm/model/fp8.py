"""A frozen base whose linear layers multiply in float8 (e4m3), forward and towards their input.

Weights have one scale per output row; activations and incoming gradients are scaled per row on the
way into each product. What is differentiated is the product with the weights as they are held, so
that adapters (in bf16, beside these layers) learn for the base they are scored on.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from tst.core.errors import UserError
from tst.diagnostics.llm.model.layers import decoder_layers

LARGEST = 448.0
"""The largest number of float8 e4m3."""
SMALLEST = 1e-12
MULTIPLE = 16
"""Sizes that float8 products take are multiples of this."""
NEWEST_WITHOUT = (8, 8)
"""CUDA capability up to which a GPU has no float8 products (Ada has 8.9, Hopper 9.0)."""


def require_fp8(device: torch.device, dtype: str) -> None:
    """Raise UserError where float8 products cannot be had."""
    problem = ""
    if device.type != "cuda":
        problem = f"this is a {device.type}"
    elif torch.cuda.get_device_capability(device) <= NEWEST_WITHOUT:
        problem = f"this is a {torch.cuda.get_device_name(device)}"
    elif dtype != "bfloat16":
        problem = f"model.dtype={dtype} is not bfloat16"
    if problem:
        raise UserError(
            f"model.quantization=fp8 needs an Ada, Hopper or newer GPU and bfloat16; {problem}. "
            "Use model.quantization=nf4 or none."
        )


def to_fp8(model: PreTrainedModel) -> None:
    """Put float8 layers in the place of the decoder's linear layers, one after the other.

    The head, embeddings and norms stay, and layers of sizes that float8 products do not take.
    """
    for name, layer in decoder_layers(model).items():
        sizes = (layer.weight.shape[0] % MULTIPLE, layer.weight.shape[1] % MULTIPLE)
        if type(layer) is nn.Linear and sizes == (0, 0):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, Fp8Linear(layer))


def quantise_rows(
    x: torch.Tensor, multiplier: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (m, n) in float8 and their scales, float32 (m, 1): x * multiplier ~ rows * scales.

    multiplier: float32 (n,), one per column
    """
    if x.device.type == "cuda":
        from tst.diagnostics.llm.model.fp8_kernel import quantise_rows_fused

        return quantise_rows_fused(x, multiplier, LARGEST, SMALLEST)
    values = x.float() if multiplier is None else x.float() * multiplier
    scales = values.abs().amax(dim=1, keepdim=True).clamp(min=SMALLEST) / LARGEST
    return (values / scales).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scales


class Fp8Linear(nn.Linear):
    """A frozen linear layer in float8.

    quantised: float8 (out, in); scale: float32 (out, 1), their product is the weight
    """

    quantised: torch.Tensor
    scale: torch.Tensor

    def __init__(self, linear: nn.Linear) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = linear.in_features, linear.out_features
        quantised, scale = quantise_rows(linear.weight.detach())
        self.register_buffer("quantised", quantised)
        self.register_buffer("scale", scale)
        self.register_parameter("bias", linear.bias)
        self._dtype = linear.weight.dtype
        self._transposed: torch.Tensor | None = None

    @property
    def weight(self) -> torch.Tensor:  # type: ignore[override]
        """Shape, dtype and device of the weight it stands for, as PEFT and models read them."""
        shape = (self.out_features, self.in_features)
        return torch.empty(1, dtype=self._dtype, device=self.quantised.device).expand(shape)

    def transposed(self) -> torch.Tensor:
        """``quantised`` as (in, out), made when the first gradient goes through the layer."""
        if self._transposed is None:
            self._transposed = self.quantised.t().contiguous()
        return self._transposed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (..., in) -> (..., out) in the dtype that the layer had."""
        y: torch.Tensor = _Product.apply(x.to(self._dtype), self)
        return y if self.bias is None else y + self.bias


class _Product(torch.autograd.Function):
    """x W' in float8; its gradient towards x."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, layer: Fp8Linear) -> torch.Tensor:
        ctx.layer = layer
        rows, scales = quantise_rows(x.reshape(-1, layer.in_features))
        y = torch._scaled_mm(
            rows,
            layer.quantised.t(),
            scale_a=scales,
            scale_b=layer.scale.view(1, -1),
            out_dtype=x.dtype,
            use_fast_accum=True,
        )
        return y.view(*x.shape[:-1], layer.out_features)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (gradient,) = gradients
        layer: Fp8Linear = ctx.layer
        # the weight's scales lie along what is summed over: they go into the gradient's rows
        rows, scales = quantise_rows(gradient.reshape(-1, layer.out_features), layer.scale.view(-1))
        towards_x = torch._scaled_mm(
            rows,
            layer.transposed().t(),
            scale_a=scales,
            scale_b=torch.ones(1, layer.in_features, device=gradient.device),
            out_dtype=gradient.dtype,
        )
        return towards_x.view(*gradient.shape[:-1], layer.in_features), None
