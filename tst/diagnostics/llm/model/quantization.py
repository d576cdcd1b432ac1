"""How the frozen base is held: its dtype, whether in nf4 or fp8, and what that takes."""

from __future__ import annotations

import logging
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import BitsAndBytesConfig, PreTrainedModel

from tst.core.errors import UserError
from tst.diagnostics.llm.model.fp8 import require_fp8
from tst.diagnostics.llm.model.pretrained import count_parameters
from tst.diagnostics.llm.settings import ModelSettings

log = logging.getLogger("tst")

MEMORY = Path("/proc/meminfo")
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


BYTES = {"bfloat16": 2, "float32": 4}
DTYPE = {"cuda": "bfloat16", "cpu": "float32"}
"""What ``model.dtype=auto`` means, by kind of device."""
MOST_BESIDE_WEIGHTS = 16e9
"""Bytes: activations, adapters and the optimizer want about as much as the weights, or this."""


def resolve_model(settings: ModelSettings, device: torch.device) -> ModelSettings:
    """A copy without ``auto`` in dtype and quantization: part of a record's identity.

    From the parameters and the device's total memory: what else runs there changes nothing. Reads
    the model's configuration alone. Raises UserError where it cannot be found.
    """
    dtype = DTYPE[device.type] if settings.dtype == "auto" else settings.dtype
    quantization = settings.quantization
    if quantization == "auto":
        needed = count_parameters(settings) * BYTES[dtype]
        total = total_memory(device)
        quantization = "none" if needed + min(needed, MOST_BESIDE_WEIGHTS) < total else "nf4"
        log.info(
            "model.quantization=auto: %s (weights %.1f GB, %s has %.1f GB)",
            quantization, needed / 1e9, device, total / 1e9,
        )  # fmt: skip
    return replace(settings, dtype=dtype, quantization=quantization)


def require_quantization(settings: ModelSettings, device: torch.device) -> None:
    """Raise UserError where the quantisation needs a library or a device that is not there."""
    if settings.quantization == "fp8":
        require_fp8(device, settings.dtype)
    if settings.quantization == "nf4" and find_spec("bitsandbytes") is None:
        raise UserError(
            "model.quantization=nf4 needs bitsandbytes: pip install bitsandbytes, or set "
            "model.quantization=none."
        )


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


def total_memory(device: torch.device) -> float:
    """Bytes of a GPU; on a CPU of the machine, or of the container where that has a limit."""
    if device.type == "cuda":
        return float(torch.cuda.get_device_properties(device).total_memory)
    known = dict(line.split(":") for line in MEMORY.read_text().splitlines())
    limits = [1024.0 * float(known["MemTotal"].split()[0])]
    for path in CONTAINER_LIMITS:
        text = path.read_text().strip() if path.is_file() else "max"
        limits += [] if text == "max" else [float(text)]
    return min(limits)
