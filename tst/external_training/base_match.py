"""Whether adapters from elsewhere belong to the base that they are scored on."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from peft import PeftConfig, get_peft_model, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from torch import nn
from transformers import PreTrainedModel

from tst.core.diagnostic import Fold
from tst.core.errors import UserError
from tst.diagnostics.llm.model.adapters import WEIGHTS
from tst.diagnostics.llm.model.layers import decoder_layers
from tst.diagnostics.llm.model.loading import outline, pick_device
from tst.diagnostics.llm.model.weights_digest import digest_weights
from tst.diagnostics.llm.settings import ModelSettings
from tst.external_training.adapters import CONFIG, Adapter
from tst.external_training.manifest import Manifest

KEPT_AS = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
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
    if known.source is None:
        raise UserError(
            f"model.name={model.name}: it is built on the spot; name the base that was trained."
        )
    problems = []
    if manifest is not None:
        expected = manifest.base
        digest = digest_weights(known.source, model.revision)
        commit = vars(known.config).get("_commit_hash")
        by_weights = bool(digest and expected["digest"])
        same = digest == expected["digest"] if by_weights else commit == expected["commit"]
        if not by_weights and expected["commit"] is None:
            problems.append(
                "the manifest knows neither digest nor commit of the base, so that nothing tells "
                "whether it is the same; export again where its weights are"
            )
        elif not same:
            what = f"weights {digest}" if by_weights else f"commit {commit}"
            was = expected["digest"] if by_weights else expected["commit"]
            problems.append(
                f"model.name={model.name}: another base ({what}) than was exported "
                f"({expected['name']}, {was})"
            )
    for adapter in adapters.values():
        empty = known.empty(model)
        if misfits := find_misfits(adapter, decoder_layers(empty)) or find_unread(adapter, empty):
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
                if tensor.dtype not in KEPT_AS:
                    return [f"{path}: {name}: is {tensor.dtype}; expected float32, bfloat16 or "
                            "float16"]  # fmt: skip
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
        if match is None:
            problems.append(f"{name}: is no part of a plain LoRA as save_pretrained writes it")
        elif match["layer"] not in layers:
            problems.append(f"{name}: the base has no such layer")
        elif match["part"] in ("A", "B") and len(shape) != 2:
            problems.append(f"{name}: has shape {shape}; expected a matrix")
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


def find_unread(adapter: Adapter, empty: PreTrainedModel) -> list[str]:
    """Why PEFT would leave out some of an adapter's weights, or fill some in; empty where not.

    empty: the base without weights; the adapter is put on it
    """
    path = adapter.folder / CONFIG
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = PeftConfig.from_pretrained(str(adapter.folder))
            built = get_peft_model(empty, config, low_cpu_mem_usage=True)
            named = get_peft_model_state_dict(built, save_embedding_layers=False)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError, re.error) as error:
        return [f"{path}: PEFT makes no adapter of it ({str(error).splitlines()[0]})"]
    with safe_open(str(adapter.folder / WEIGHTS), framework="pt") as kept:
        shapes = {name: tuple(kept.get_slice(name).get_shape()) for name in kept.keys()}  # noqa: SIM118
    if strange := sorted(set(shapes) - set(named)):
        return [f"{adapter.folder / WEIGHTS}: {len(strange)} tensors, {strange[0]} among them, are "
                f"not of the adapter that {CONFIG} describes (target_modules)"]  # fmt: skip
    if missing := sorted(set(named) - set(shapes)):
        return [f"{adapter.folder / WEIGHTS}: {len(missing)} tensors of the adapter that {CONFIG} "
                f"describes are missing, {missing[0]} among them"]  # fmt: skip
    return [
        f"{adapter.folder / WEIGHTS}: {name}: has shape {shape}, with {CONFIG} it has "
        f"{tuple(named[name].shape)} (r)"
        for name, shape in sorted(shapes.items())
        if shape != tuple(named[name].shape)
    ][:1]


def _size(layer: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of a linear layer."""
    weight: Any = layer.weight
    rows, columns = weight.shape
    return (columns, rows) if isinstance(layer, nn.Linear) else (rows, columns)  # Conv1D
