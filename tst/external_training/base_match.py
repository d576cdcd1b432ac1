"""Whether adapters from elsewhere belong to the base that they are scored on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from tst.core.diagnostic import Fold
from tst.core.errors import UserError
from tst.diagnostics.llm.model.adapters import WEIGHTS
from tst.diagnostics.llm.model.layers import decoder_layers
from tst.diagnostics.llm.model.loading import outline, pick_device
from tst.diagnostics.llm.model.weights_digest import digest_weights
from tst.diagnostics.llm.settings import ModelSettings
from tst.external_training.adapters import Adapter
from tst.external_training.manifest import Manifest

_TENSOR = re.compile(
    r"(?:base_model\.model\.)?(?P<layer>.+)\.lora_(?P<part>A|B|magnitude_vector)(?:\.weight)?"
)


def require_base(
    model: ModelSettings,
    device: str,
    manifest: Manifest | None,
    adapters: Mapping[Fold, Adapter],
) -> None:
    """Raise UserError where the base is not the one of the manifest, or adapters do not fit it."""
    known = outline(model, pick_device(device))
    problems = []
    if manifest is not None and known.source is not None:
        expected = manifest.base
        digest = digest_weights(known.source, model.revision)
        commit = vars(known.config).get("_commit_hash")
        by_weights = bool(digest and expected["digest"])
        same = digest == expected["digest"] if by_weights else commit == expected["commit"]
        if not same:
            what = f"weights {digest}" if by_weights else f"commit {commit}"
            was = expected["digest"] if by_weights else expected["commit"]
            problems.append(
                f"model.name={model.name}: another base ({what}) than was exported "
                f"({expected['name']}, {was})"
            )
    layers = decoder_layers(known.empty(model)) if known.source is not None else {}
    for adapter in adapters.values() if layers else ():
        if misfits := find_misfits(adapter, layers):
            problems += misfits
            break
    if problems:
        raise UserError("\n".join(f"{problem}." for problem in problems))


def find_misfits(adapter: Adapter, layers: Mapping[str, nn.Module]) -> list[str]:
    """Why an adapter does not belong on a base with these linear layers; empty where it does.

    Compares names and shapes of all tensors. A value that is not finite is a misfit as well.
    """
    path = adapter.folder / WEIGHTS
    shapes, diverged = {}, []
    try:
        with safe_open(str(path), framework="pt") as kept:
            for name in kept.keys():  # noqa: SIM118
                tensor = kept.get_tensor(name)
                shapes[name] = tuple(tensor.shape)
                if not torch.isfinite(tensor).all():
                    diverged.append(name)
    except (OSError, SafetensorError) as error:
        return [f"{path}: cannot be read ({error})"]
    if not shapes:
        return [f"{path}: holds no weights"]
    parts: dict[str, dict[str, tuple[int, ...]]] = {}
    problems = [
        f"{name}: has values that are not finite: the training diverged (a lower learning_rate, or "
        "another dtype, may mend it)"
        for name in diverged
    ]
    for name, shape in shapes.items():
        match = _TENSOR.fullmatch(name)
        if match is None or match["layer"] not in layers:
            problems.append(f"{name}: the base has no such layer")
        else:
            parts.setdefault(match["layer"], {})[match["part"]] = shape
    for name, own in parts.items():
        if "A" not in own or "B" not in own:
            problems.append(f"{name}: half of the adapter is missing")
            continue
        inputs, outputs = own["A"][1], own["B"][0]
        expected = _size(layers[name])
        if (inputs, outputs) != expected:
            problems.append(
                f"{name}: made for a layer of {inputs} to {outputs}, the base's is of "
                f"{expected[0]} to {expected[1]}"
            )
        elif own["A"][0] != own["B"][1]:
            problems.append(f"{name}: ranks {own['A'][0]} and {own['B'][1]} differ")
    return [f"{path}: {problem}" for problem in problems[:3]]


def _size(layer: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of a linear layer."""
    weight: Any = layer.weight
    rows, columns = weight.shape
    return (columns, rows) if isinstance(layer, nn.Linear) else (rows, columns)  # Conv1D
