"""How the frozen base is held: its dtype, whether in nf4 or fp8, and what that takes."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import BitsAndBytesConfig, PretrainedConfig, PreTrainedModel

from tst.core.errors import UserError
from tst.diagnostics.llm.model import tiny_model
from tst.diagnostics.llm.model.fp8 import require_fp8
from tst.diagnostics.llm.model.pretrained import count_parameters
from tst.diagnostics.llm.settings import ModelSettings

log = logging.getLogger("tst")

MEMORY = Path("/proc/meminfo")
CONTAINER_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

BITSANDBYTES = "bitsandbytes"
"""As configurations name it that quantised a model."""
BYTES = {"bfloat16": 2, "float32": 4}
FASTER_BY = 1.5
"""How much faster bfloat16 products have to be on a CPU: they are 2 to 5 times with AVX512-BF16 or
AMX, and over ten times slower without."""
PRODUCT = (256, 576, 1536)
"""Rows, inputs and outputs of the product that is timed: a layer of a small model."""
MOST_BESIDE_WEIGHTS = 16e9
"""Bytes: activations, adapters and the optimizer want about as much as the weights, or this."""


def resolve_model(settings: ModelSettings, device: torch.device) -> ModelSettings:
    """A copy without ``auto`` in dtype and quantization: part of a record's identity.

    From the parameters, the device's total memory and, on a CPU, which products are faster: what
    else runs there changes nothing. Reads the model's configuration alone. Raises UserError where
    it cannot be found.
    """
    dtype = settings.dtype
    if dtype == "auto":
        # a model for tests is too small for its products to count
        on_cpu = settings.name not in tiny_model.NAMES and bfloat16_is_faster()
        dtype = "bfloat16" if device.type == "cuda" or on_cpu else "float32"
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


@cache
def bfloat16_is_faster() -> bool:
    """Whether this CPU multiplies in bfloat16 much faster than in float32; measured once."""
    single, half = (_product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16))
    return half * FASTER_BY < single


def _product_seconds(dtype: torch.dtype) -> float:
    """CPU seconds of a product, the least of several: other work on the machine adds none."""
    rows, inputs, outputs = PRODUCT
    x, weight = torch.ones(rows, inputs, dtype=dtype), torch.ones(outputs, inputs, dtype=dtype)
    spent = []
    for _ in range(6):
        started = time.process_time()
        torch.nn.functional.linear(x, weight)
        spent.append(time.process_time() - started)
    return min(spent)


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


def stored_quantization(config: PretrainedConfig) -> str:
    """How a model's files are quantised (bitsandbytes, gptq, fp8, ...); empty where not."""
    found = config.to_dict().get("quantization_config") or {}
    return str(found.get("quant_method", ""))


def require_one_quantization(settings: ModelSettings, config: PretrainedConfig) -> None:
    """Raise UserError where a model that is quantised in its files is to be quantised again."""
    stored = stored_quantization(config)
    allowed = ("none", "nf4") if stored == BITSANDBYTES else ("none",)
    if stored and settings.quantization not in allowed:
        raise UserError(
            f"model.quantization={settings.quantization}: the files of {settings.name} are "
            f"quantised already ({stored}). Use model.quantization=none, which leaves them so."
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
    """Bytes of a GPU, or of the share of it that this process may use; on a CPU of the machine, or
    of the container where that has a limit.
    """
    if device.type == "cuda":
        share = torch.cuda.get_per_process_memory_fraction(device)
        return share * torch.cuda.get_device_properties(device).total_memory
    known = dict(line.split(":") for line in MEMORY.read_text().splitlines())
    limits = [1024.0 * float(known["MemTotal"].split()[0])]
    for path in CONTAINER_LIMITS:
        text = path.read_text().strip() if path.is_file() else "max"
        limits += [] if text == "max" else [float(text)]
    return min(limits)
