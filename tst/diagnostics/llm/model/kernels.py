"""Liger's fused Triton kernels in a loaded model: norms, rotary positions and gated MLPs.

A training step of a small model is bound by the number of kernels it launches, and one of a large
model by memory traffic: both fall by a quarter to a third (docs/performance.md).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from transformers import PretrainedConfig

from tst.core.errors import UserError

log = logging.getLogger(__name__)


def pick_kernels(setting: str, config: PretrainedConfig, device: torch.device) -> str:
    """``liger`` or ``none``; UserError where liger is asked for and cannot be had."""
    if setting == "none":
        return "none"
    reason = _why_not_liger(config, device)
    if reason and setting == "liger":
        raise UserError(f"model.kernels=liger: {reason}; use model.kernels=auto.")
    if reason and device.type == "cuda":
        log.info("model.kernels=auto: plain ones (%s)", reason)
    return "none" if reason else "liger"


def fuse_kernels(model: Any) -> Callable[[], None]:
    """Put Liger's kernels into the model.

    Returns what takes back the changes outside the model: Liger puts its rotary function and its
    classes into the model's module too.
    """
    from liger_kernel.transformers import _apply_liger_kernel_to_instance

    module: Any = sys.modules[type(model).__module__]
    before = dict(vars(module))
    # logits are asked for at answer positions only, so the loss has nothing to fuse
    _apply_liger_kernel_to_instance(
        model=model, cross_entropy=False, fused_linear_cross_entropy=False
    )

    def undo() -> None:
        vars(module).update(before)

    return undo


def _why_not_liger(config: PretrainedConfig, device: torch.device) -> str:
    if device.type != "cuda":
        return f"they need a CUDA device, this is {device.type}"
    if find_spec("liger_kernel") is None:
        return "pip install liger-kernel to train faster"
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN

    kind = config.model_type
    return "" if kind in MODEL_TYPE_TO_APPLY_LIGER_FN else f"Liger has none for {kind}"
