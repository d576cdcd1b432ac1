"""A fold's settings in the words of other trainers, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tst.config.schema import RunConfig
from tst.core.diagnostic import Fold
from tst.core.errors import UserError
from tst.core.folds import fold_seed
from tst.diagnostics.llm.model.adapters import torch_seed
from tst.diagnostics.llm.settings import ModelSettings
from tst.external_training.settings import FOR_LLAMAFACTORY
from tst.external_training.step_counts import count_steps

SPARE_TOKENS = 16
"""Above max_length, which prompts are cut to already: what a chat template adds is never cut."""
NO_CHECKPOINTING_BELOW = 1e9
"""Parameters of a model whose activations are kept: recomputing them takes a third of the time."""

COMMON_NAMES: dict[str, tuple[str, type]] = {
    "learning_rate": ("learning_rate", float),
    "lr_scheduler_type": ("scheduler", str),
    "num_train_epochs": ("epochs", float),
    "weight_decay": ("weight_decay", float),
    "max_grad_norm": ("max_grad_norm", float),
    "lora_rank": ("r", int),
    "lora_alpha": ("alpha", float),
    "lora_dropout": ("dropout", float),
}
"""Names in a fold's YAML to those of ``LoraSettings``, and what they are."""


def fold_name(fold: Fold) -> str:
    """``repeat-fold``, as files and folders are called."""
    return f"{fold[0]}-{fold[1]}"


@dataclass(frozen=True)
class TrainedBase:
    """The base that folds are trained on.

    source: its folder or hub id; targets: last parts of the adapted layers' names
    parameters: how many it has
    """

    source: str
    targets: list[str]
    parameters: int


def fold_settings(
    config: RunConfig, base: TrainedBase, style: str, fold: Fold, seed: int, rows: int
) -> dict[str, Any]:
    """All settings of a fold's training, as its YAML states them.

    seed: the plan's; rows: training questions
    """
    lora, name = config.diagnostic, fold_name(fold)
    length = lora.max_length + SPARE_TOKENS
    loaded = _loading(config.model, base.source)
    adapter = {
        "lora_rank": lora.r,
        "lora_alpha": int(lora.alpha) if float(lora.alpha).is_integer() else lora.alpha,
        "lora_dropout": float(lora.dropout),
        "lora_target": ",".join(base.targets),
        "use_rslora": lora.use_rslora,
        "use_dora": lora.use_dora,
    }
    training = _training(config, name, torch_seed(fold_seed(seed, *fold)), rows)
    if style not in FOR_LLAMAFACTORY:
        data = {"train_file": f"train-{name}.jsonl", "max_length": length, "packing": False}
        return {**loaded, **data, **adapter, **training}
    if config.model.quantization == "nf4":
        loaded["quantization_method"] = "bnb"
    return {
        **loaded,
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        **adapter,
        "dataset_dir": ".",
        "dataset": f"train-{name}",
        "cutoff_len": length,
        "train_on_prompt": False,
        "mask_history": False,
        "packing": False,
        "neat_packing": False,
        "enable_thinking": False,
        "val_size": 0.0,
        "overwrite_cache": True,
        "preprocessing_num_workers": 1,
        "overwrite_output_dir": True,
        "disable_gradient_checkpointing": base.parameters < NO_CHECKPOINTING_BELOW,
        **training,
    }


def _loading(model: ModelSettings, source: str) -> dict[str, Any]:
    loaded: dict[str, Any] = {"model_name_or_path": source}
    if model.revision:
        loaded["model_revision"] = model.revision
    if model.trust_remote_code:
        loaded["trust_remote_code"] = True
    if model.quantization == "nf4":
        loaded |= {
            "quantization_bit": 4, "quantization_type": "nf4", "double_quantization": True
        }  # fmt: skip
    return loaded


def _training(config: RunConfig, name: str, seed: int, rows: int) -> dict[str, Any]:
    lora, optimizer = config.diagnostic, config.optimizer
    steps = count_steps(rows, lora.batch_size, lora.epochs)
    betas = optimizer.params.get("betas", [0.9, 0.999])
    return {
        "output_dir": f"adapters/{name}",
        "per_device_train_batch_size": lora.batch_size,
        "gradient_accumulation_steps": 1,
        "learning_rate": float(lora.learning_rate),
        "lr_scheduler_type": lora.scheduler,
        "warmup_steps": -int(-(lora.warmup * steps) // 1),
        "num_train_epochs": float(lora.epochs),
        "weight_decay": float(lora.weight_decay),
        "max_grad_norm": float(lora.max_grad_norm),
        "optim": "adamw_torch",
        "adam_beta1": float(betas[0]),
        "adam_beta2": float(betas[1]),
        "adam_epsilon": float(optimizer.params.get("eps", 1e-8)),
        "bf16": config.model.dtype == "bfloat16",
        "seed": seed,
        "data_seed": seed,
        "logging_steps": 10,
        "save_strategy": "no",
        "report_to": "none",
    }


def as_yaml(settings: dict[str, Any], style: str) -> str:
    """A fold's YAML; it names no template: the model's own chat template is meant."""
    about = (
        "# llamafactory-cli train THIS. No `template`: LLaMA-Factory then reads the model's own, "
        "whose\n# prompts are those that are scored."
        if style in FOR_LLAMAFACTORY
        else "# What to train with, by transformers' names. Render rows with the model's own chat "
        "template;\n# the loss is on the assistant's turn alone."
    )
    return about + "\n" + yaml.safe_dump(settings, sort_keys=False)


def read_settings(path: Path) -> dict[str, Any]:
    """A fold's YAML as fields of ``ExternalAdapterSettings``; empty where there is no such file.

    Raises UserError for a file that is no mapping, or has something else for a number (a
    count below 1, a negative rate).
    """
    given = read_yaml(path)
    found: dict[str, Any] = {}
    try:
        for name, (ours, kind) in COMMON_NAMES.items():
            if name in given:
                found[ours] = kind(given[name])
                if kind is float and not 0 <= found[ours] < math.inf:
                    raise ValueError("below 0, or not finite")
        name = "per_device_train_batch_size"
        if name in given:
            found["batch_size"] = _count(given[name])
            name = "gradient_accumulation_steps"
            found["batch_size"] *= _count(given.get(name, 1))
    except (OverflowError, TypeError, ValueError) as error:
        raise UserError(f"{path}: {name}={given[name]}; expected a number.") from error
    return found


def read_yaml(path: Path) -> dict[str, Any]:
    """A fold's YAML as it stands; empty where there is no such file.

    Raises UserError for a file that is no mapping.
    """
    if not path.is_file():
        return {}
    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no YAML ({str(error).splitlines()[0]}).") from error
    if not isinstance(given, dict):
        raise UserError(f"{path}: expected settings as NAME: VALUE.")
    return given


def _count(given: Any) -> int:
    """A whole number above 0. Raises TypeError or ValueError for anything else."""
    count = int(given)
    if count < 1 or isinstance(given, bool) or count != float(given):
        raise ValueError("no whole number above 0")
    return count
