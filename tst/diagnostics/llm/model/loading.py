"""Base models: loaded once per process, kept while jobs use the same one, freed otherwise."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pandas as pd
import torch
from huggingface_hub.utils import enable_progress_bars
from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from tst.core.errors import UserError
from tst.diagnostics.llm.model import tiny_model
from tst.diagnostics.llm.model.fp8 import to_fp8
from tst.diagnostics.llm.model.kernels import fuse_kernels, pick_kernels
from tst.diagnostics.llm.model.pretrained import (
    empty_model,
    keep_routers_still,
    locate,
    pick_attention,
    read_config,
    read_tokenizer,
    read_weights,
    require_causal,
)
from tst.diagnostics.llm.model.quantization import (
    BITSANDBYTES,
    keep_trainable,
    nf4_config,
    require_one_quantization,
    require_quantization,
    resolve_model,
    stored_quantization,
)
from tst.diagnostics.llm.model.weights_digest import identify_weights
from tst.diagnostics.llm.settings import ModelSettings

disable_progress_bar()  # of reading weights: seconds
if sys.stderr.isatty():
    enable_progress_bars()  # of downloads, which the line above takes away too: minutes
T = TypeVar("T")
_Key = tuple[Any, ...]
DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass
class BaseModel:
    """A loaded base with its tokenizer.

    identity: what decides its numbers: name, weights, quantisation, compute dtype, kernels
    zero_shot: answers already computed without adapters, by question key
    release: takes back what loading changed outside the model
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    dtype: torch.dtype
    quantization: str
    identity: str
    zero_shot: dict[str, pd.Series] = field(default_factory=dict)
    release: Callable[[], None] = lambda: None


_kept: dict[_Key, BaseModel] = {}


def pick_device(device: str) -> torch.device:
    """``auto`` is the current CUDA device where there is one, else the CPU."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise UserError(f"device={device}: expected auto, cpu, cuda or cuda:N.")
    if device == "cpu":
        return torch.device("cpu")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise UserError(f"device={device}: this process sees no CUDA device; use device=cpu.")
    number = int(device[5:]) if ":" in device else torch.cuda.current_device()
    if number >= count:
        raise UserError(f"device={device}: this process sees {count} CUDA device(s), from cuda:0.")
    return torch.device("cuda", number)


def load_base(settings: ModelSettings, device: str) -> BaseModel:
    """The base model, from the previous job where it is the same, else freshly loaded."""
    return load_while(settings, device, lambda tokenizer: None)[0]


def load_while(
    settings: ModelSettings, device: str, work: Callable[[PreTrainedTokenizerBase], T]
) -> tuple[BaseModel, T]:
    """The base model, and what ``work`` makes of its tokenizer while the weights are read."""
    settings = resolve_model(settings, pick_device(device))
    key = _key(settings, device)
    if key in _kept:
        return _kept[key], work(_kept[key].tokenizer)
    free_base()
    if pick_device(device).type == "cuda":
        torch.cuda.set_device(pick_device(device))
    known = outline(settings, pick_device(device))
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work, known.tokenizer)
        _kept[key] = _load(settings, pick_device(device), known)
    return _kept[key], done.result()


def keep_base(settings: ModelSettings, device: str, base: BaseModel) -> None:
    """Use a base built elsewhere (a benchmark's random weights) wherever these settings ask."""
    free_base()
    _kept[_key(resolve_model(settings, pick_device(device)), device)] = base


def _key(settings: ModelSettings, device: str) -> _Key:
    return (
        settings.name,
        settings.dtype,
        settings.quantization,
        settings.revision,
        settings.trust_remote_code,
        settings.attn_implementation,
        settings.device_map,
        settings.kernels,
        str(pick_device(device)),
    )


def free_base() -> None:
    """Drop the base that is kept and give its memory back."""
    for base in _kept.values():
        base.release()
    _kept.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@dataclass(frozen=True)
class Outline:
    """All that is known of a base before its weights are read.

    source: folder or hub id; None where the model is built on the spot
    attention: an implementation, or None where transformers chooses
    quantization: nf4, fp8 or none; dtype: bfloat16 or float32
    kernels: liger or none
    """

    source: str | None
    config: PretrainedConfig
    tokenizer: PreTrainedTokenizerBase
    attention: str | None
    quantization: str
    dtype: str
    kernels: str

    def empty(self, settings: ModelSettings) -> PreTrainedModel:
        """The base's modules with no weights."""
        return empty_model(settings, self.config, self.attention)


def outline(settings: ModelSettings, device: torch.device) -> Outline:
    """Read a base's configuration and tokenizer; UserError where it cannot be used.

    What is wrong with a model is found here, so that ``dry_run`` finds what a run would.
    """
    settings = resolve_model(settings, device)
    require_quantization(settings, device)
    if settings.name in tiny_model.NAMES:
        tiny = tiny_model.build_tokenizer(chat=settings.name != "tiny:base")
        own = tiny_model.tiny_config(len(tiny))
        kernels = pick_kernels(settings.kernels, own, device)
        asked = settings.attn_implementation
        attention = None if asked == "auto" else asked
        return Outline(None, own, tiny, attention, "none", settings.dtype, kernels)
    source = locate(settings)
    config = read_config(settings, source)
    require_one_quantization(settings, config)
    return Outline(
        source,
        config,
        read_tokenizer(settings, source),
        pick_attention(settings, config, device),
        settings.quantization,
        settings.dtype,
        pick_kernels(settings.kernels, config, device),
    )


def _load(settings: ModelSettings, device: torch.device, known: Outline) -> BaseModel:
    dtype = DTYPES[known.dtype]
    model: Any
    if known.source is None:
        model = tiny_model.build_model(known.config)  # type: ignore[arg-type]
        model.to(device=device, dtype=dtype)
        if known.attention is not None:
            model.set_attn_implementation(known.attention)
        name = settings.name
    else:
        name = identify_weights(settings, known.config)
        nf4 = known.quantization == "nf4"
        model = read_weights(
            settings,
            known.config,
            known.source,
            dtype=dtype,
            attn_implementation=known.attention,
            device_map=settings.device_map or {"": str(device)},
            quantization_config=nf4_config(dtype) if nf4 else None,
        )
        if nf4 or stored_quantization(known.config) == BITSANDBYTES:
            keep_trainable(model)
        elif known.quantization == "fp8":
            to_fp8(model)
    model.requires_grad_(False)
    model.eval()
    keep_routers_still(model)
    model.config.use_cache = False
    require_causal(settings, model)
    base = BaseModel(
        model,
        known.tokenizer,
        device,
        dtype,
        known.quantization,
        f"{name}/{known.quantization}/{dtype}",
    )
    if known.kernels == "liger":
        base.release = fuse_kernels(model)
        base.identity += "/liger"
    return base
