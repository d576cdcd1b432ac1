"""Whether the frozen base is held in nf4, and what that takes."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import BitsAndBytesConfig, PretrainedConfig, PreTrainedModel

from tst.core.errors import UserError
from tst.diagnostics.llm.model.pretrained import empty_model
from tst.diagnostics.llm.settings import ModelSettings

log = logging.getLogger(__name__)


def pick_quantization(
    settings: ModelSettings, config: PretrainedConfig, device: torch.device
) -> str:
    """``nf4`` or ``none``; auto is none where memory allows. UserError without bitsandbytes."""
    if settings.quantization != "auto":
        if settings.quantization == "nf4" and find_spec("bitsandbytes") is None:
            raise UserError(
                "model.quantization=nf4 needs bitsandbytes: pip install bitsandbytes, or set "
                "model.quantization=none."
            )
        return settings.quantization
    total = sum(p.numel() for p in empty_model(settings, config).parameters())
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


def nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """QLoRA's quantisation: nf4 with double quantisation, computed in ``dtype``."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def keep_trainable(model: PreTrainedModel) -> None:
    """Keep 4-bit layers in the layout that gradients flow through.

    On CPUs with AVX512-BF16 bitsandbytes repacks a layer's weights in its first pass in eval mode,
    for a kernel that has no gradient: adapters would then train on wrong ones, in silence.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            layer: Any = module
            layer.support_avx512bf16_for_cpu = False


def free_memory(device: torch.device) -> float:
    """Bytes that may still be taken on a device."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    known = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return 1024.0 * float(known["MemAvailable"].split()[0])
