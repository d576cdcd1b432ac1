"""k LoRA adapters at once on one frozen base.

Each adapted linear layer gets the k folds' rows at once, [k * b, L, in]: the base's product is
shared and a batched product adds each fold's own correction. All weights are slices of one tensor
[k, n]: a single leaf for autograd (one cast, one gradient), and a handful of kernels per
optimizer step, whatever the number of layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn

from tst.diagnostics.llm.model.adapters import attach_new, bare_again
from tst.diagnostics.llm.model.layers import shared_inputs
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.model.trained_head import COLUMNS
from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training.dropout import DropoutMasks, feature_hashes


class SharedInput:
    """x A for the layers that read the same x, computed once by the first of them.

    A: [k, in, r * members]
    masks, features: dropout of x, and the hashes of its features
    """

    def __init__(self, members: int, masks: DropoutMasks, features: torch.Tensor) -> None:
        self.members = members
        self.masks = masks
        self.features = features
        self.A = torch.empty(0)
        self._input: torch.Tensor | None = None
        self._product: torch.Tensor | None = None
        self._left = 0

    def project(self, x: torch.Tensor, training: bool) -> torch.Tensor:
        """[k, b * L, r * members] from x [k * b, L, in]."""
        product = self._product
        if product is None or self._input is not x:
            dropped = self.masks.drop(x, self.features) if training else x
            product = torch.bmm(dropped.reshape(self.A.shape[0], -1, x.shape[-1]), self.A)
            self._input, self._product, self._left = x, product, self.members
        self._left -= 1
        if self._left <= 0:
            self.forget()
        return product

    def forget(self) -> None:
        """Let go of the input and its product."""
        self._input, self._product = None, None


class StackedLinear(nn.Module):
    """A frozen linear layer and k folds' corrections to it; B is [k, r, out]."""

    def __init__(self, base: nn.Module, shared: SharedInput, place: int, scale: float) -> None:
        super().__init__()
        self.base = base
        self.shared = shared
        self.place = place
        self.scale = scale
        self.B = torch.empty(0)

    @property
    def weight(self) -> Any:
        """The frozen layer's, as PEFT's layers show it: some models read its dtype or shape."""
        return self.base.weight

    @property
    def bias(self) -> Any:
        """The frozen layer's."""
        return self.base.bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """base(x) + scale (x A_j) B_j for the rows of each fold j."""
        y = self.base(x)
        folds, rank, width = self.B.shape
        h = self.shared.project(x, self.training)
        h = h.narrow(2, self.place * rank, rank)
        out = torch.baddbmm(y.view(folds, -1, width), h, self.B, alpha=self.scale)
        return out.view(y.shape)


@dataclass
class _Slot:
    """Where one shared input's A and its members' B lie in a fold's row of weights."""

    names: list[str]
    start: int
    rank: int
    inputs: int
    outputs: list[int]

    @property
    def sizes(self) -> list[int]:
        return [self.inputs * self.rank * len(self.names), *(self.rank * o for o in self.outputs)]


class StackedAdapters:
    """k freshly initialised adapters as one tensor ``weights`` [k, n], float32.

    Initialised exactly as PEFT initialises each fold's adapter from its seed.

    with_head: the last columns are the folds' trained heads, zero at first; ``head`` is their view
        (k, hidden, COLUMNS) once bound
    """

    def __init__(
        self, base: BaseModel, settings: LoraSettings, seeds: list[int], with_head: bool = False
    ) -> None:
        self.base = base
        self.hidden = base.model.get_output_embeddings().weight.shape[1] if with_head else 0
        self.head: torch.Tensor | None = None
        self.settings = settings
        self.folds = len(seeds)
        self.slots: list[_Slot] = []
        self.scale = 1.0
        self.masks = DropoutMasks(settings.dropout)
        self._layers: dict[str, StackedLinear] = {}
        initial = {seed: self._initial(seed) for seed in dict.fromkeys(seeds)}
        rows = [initial[seed] for seed in seeds]
        heads = torch.zeros(self.folds, self.hidden * COLUMNS)
        self.weights = nn.Parameter(torch.cat([torch.stack(rows), heads], 1).to(base.device))

    def _initial(self, seed: int) -> torch.Tensor:
        with bare_again(self.base):
            model: Any = attach_new(self.base.model, self.settings, seed)
            layers = {n: m for n, m in model.base_model.model.named_modules() if _is_lora(m)}
            if not self.slots:
                self._plan(layers)
            parts = []
            for slot in self.slots:
                own = [layers[name] for name in slot.names]
                a = torch.cat([_weight(layer.lora_A) for layer in own])
                parts.append(a.t().reshape(-1))
                parts += [_weight(layer.lora_B).t().reshape(-1) for layer in own]
            return torch.cat([p.detach().float().cpu() for p in parts])

    def _plan(self, layers: dict[str, Any]) -> None:
        start = 0
        for names in shared_inputs(list(layers)):
            first = layers[names[0]]
            slot = _Slot(
                names,
                start,
                self.settings.r,
                first.in_features,
                [layers[n].out_features for n in names],
            )
            self.slots.append(slot)
            start += sum(slot.sizes)
            self.scale = float(first.scaling["default"])

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Put the stacked layers into the base model for the length of this block."""
        model = self.base.model
        originals: dict[str, nn.Module] = {}
        try:
            for number, slot in enumerate(self.slots):
                features = feature_hashes(number, slot.inputs, self.base.device)
                shared = SharedInput(len(slot.names), self.masks, features)
                for place, name in enumerate(slot.names):
                    originals[name] = model.get_submodule(name)
                    layer = StackedLinear(originals[name], shared, place, self.scale)
                    self._layers[name] = layer
                    _replace(model, name, layer)
            yield
        finally:
            for name, original in originals.items():
                _replace(model, name, original)
            self._layers.clear()

    def bind(self) -> None:
        """Hand every layer its slices of the weights, in the compute dtype.

        Under autograd all gradients flow back into ``weights`` in one operation.
        """
        sizes = [size for slot in self.slots for size in slot.sizes]
        lora = self.weights[:, : sum(sizes)].to(self.base.dtype)
        pieces = iter(lora.split(sizes, dim=1))
        if self.hidden:
            self.head = self.weights[:, sum(sizes) :].view(self.folds, self.hidden, COLUMNS)
        for slot in self.slots:
            layers = [self._layers[name] for name in slot.names]
            width = slot.rank * len(layers)
            layers[0].shared.A = next(pieces).view(self.folds, slot.inputs, width)
            layers[0].shared.forget()
            for layer, outputs in zip(layers, slot.outputs, strict=True):
                layer.B = next(pieces).view(self.folds, slot.rank, outputs)

    def columns(self) -> list[torch.Tensor]:
        """The columns of ``weights`` that each weight of a fold's own adapter takes: int64."""
        found: list[torch.Tensor] = []
        for slot in self.slots:
            places = torch.arange(slot.start, slot.start + sum(slot.sizes))
            a, *b = places.split(slot.sizes)
            found += [part.reshape(-1) for part in a.view(slot.inputs, -1).split(slot.rank, 1)]
            found += b
        if self.hidden:
            columns = self.weights.shape[1]
            found.append(torch.arange(columns - self.hidden * COLUMNS, columns))
        return found

    def load_into(self, layers: dict[str, Any], fold: int) -> None:
        """Copy one fold's weights into PEFT's own LoRA layers (by module name)."""
        row = self.weights.detach()[fold]
        for slot in self.slots:
            parts = iter(row[slot.start : slot.start + sum(slot.sizes)].split(slot.sizes))
            a = next(parts).view(slot.inputs, -1)
            for place, (name, outputs) in enumerate(zip(slot.names, slot.outputs, strict=True)):
                mine = a[:, place * slot.rank : (place + 1) * slot.rank]
                _weight(layers[name].lora_A).data.copy_(mine.t())
                _weight(layers[name].lora_B).data.copy_(next(parts).view(slot.rank, outputs).t())

    @contextmanager
    def as_peft(self, fold: int) -> Iterator[Any]:
        """The base with one fold's adapter as an ordinary PEFT model; not while attached."""
        with bare_again(self.base):
            model: Any = attach_new(self.base.model, self.settings, 0)
            layers = {n: m for n, m in model.base_model.model.named_modules() if _is_lora(m)}
            self.load_into(layers, fold)
            model.eval()
            yield model


def _is_lora(module: nn.Module) -> bool:
    return isinstance(module, LoraLayer)


def _weight(layers: Any) -> torch.Tensor:
    weight: torch.Tensor = layers["default"].weight
    return weight


def _replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, layer)
