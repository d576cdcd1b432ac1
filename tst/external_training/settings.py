"""What a user can set for ``tst export`` and ``tst score``; imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig

from tst.config.problems import find_problems
from tst.config.schema import RunConfig
from tst.core.diagnostic import DiagnosticSettings
from tst.core.errors import UserError
from tst.core.ranges import bounded, expecting, one_of
from tst.diagnostics.llm.settings import RANDOM, LoraSettings

ALPACA, SHAREGPT, CHAT, TRL = "llamafactory", "sharegpt", "chat", "trl"
FORMATS = (ALPACA, SHAREGPT, CHAT, TRL)
FOR_LLAMAFACTORY = (ALPACA, SHAREGPT)


@dataclass
class ExportConfig(RunConfig):
    """A stress test whose folds are written for another trainer.

    format: llamafactory (its alpaca rows), sharegpt (LLaMA-Factory's other rows), chat (messages,
        as Axolotl and Unsloth read them) or trl (prompt and completion)
    to: folder to write
    """

    format: str = one_of(ALPACA, FORMATS)
    to: str = expecting("", "a folder to write to", bool)


@dataclass
class ScoreConfig(RunConfig):
    """Adapters or predictions from elsewhere. A manifest of ``tst export`` gives the settings.

    adapters: folder of an export, or of one adapter per fold
    predictions: a file of predictions instead
    trainer: who trained or answered, for the record; auto: as the manifest says
    """

    adapters: str = ""
    predictions: str = ""
    trainer: str = expecting("auto", "a name, or auto", bool)


@dataclass
class ExternalAdapterSettings(DiagnosticSettings):
    """Adapters that were trained elsewhere, as far as their files tell; None: not known.

    trainer: who trained them; adapters: digest of their weights
    manifest: digest of the manifest that they were checked against; empty: none
    folder: where they lie
    targets: last parts of the adapted layers' names
    learning_rate ... max_grad_norm: as in ``LoraSettings``
    """

    name: str = "external_llm"
    trainer: str = "unknown"
    adapters: str = ""
    manifest: str = ""
    folder: str = ""
    r: int | None = None
    alpha: float | None = None
    dropout: float | None = None
    targets: list[str] | None = None
    use_dora: bool = False
    use_rslora: bool = False
    learning_rate: float | None = None
    scheduler: str | None = None
    warmup: float | None = None
    weight_decay: float | None = None
    max_grad_norm: float | None = None
    epochs: float | None = None
    batch_size: int | None = None
    max_length: int = bounded(1024, at_least=64)
    score_tokens: int = bounded(0, at_least=0)


@dataclass
class PredictionFileSettings(DiagnosticSettings):
    """Answers of anything else to the held-out questions.

    trainer: who answered; predictions: digest of the file; file: where it lies
    """

    name: str = "predictions"
    trainer: str = "unknown"
    predictions: str = ""
    file: str = ""


def as_exported(settings: Any) -> LoraSettings:
    """The settings that others can follow: letters, all rows in random order, fixed epochs.

    Raises UserError where another value was asked for.
    """
    if not isinstance(settings, LoraSettings):
        raise UserError(
            f"diagnostic={settings.name}: only diagnostic=lora_llm can be trained elsewhere."
        )
    given = {
        "mc_scoring": (settings.mc_scoring, ("auto", "letters"), "others train letters"),
        "validation": (
            settings.validation,
            ("auto", 0),
            "others train on all rows, for all epochs",
        ),
        "order": (settings.order, ("auto", RANDOM), "others shuffle"),
        "per_format": (settings.per_format, (False,), "one adapter per fold is exported"),
        "adapters_per_fold": (settings.adapters_per_fold, (1,), "one adapter per fold is exported"),
        "top_layers": (settings.top_layers, ("all",), "others adapt all layers"),
    }
    if problems := [
        f"diagnostic.{name}={value}: {why}; leave it out, or set {allowed[-1]}."
        for name, (value, allowed, why) in given.items()
        if value not in allowed
    ]:
        raise UserError("\n".join(problems))
    return replace(settings, mc_scoring="letters", validation=0.0, order=RANDOM)


def exported_config(config: RunConfig) -> RunConfig:
    """A stress test as others can train it (``as_exported``), in a dtype that they take here.

    transformers' trainer, which the others build on, trains bfloat16 on a GPU alone, so ``auto`` is
    float32 on a CPU. Raises UserError as ``as_exported`` does.
    """
    from tst.diagnostics.llm.model.loading import pick_device

    config = replace(config, diagnostic=as_exported(config.diagnostic))
    if config.model.dtype == "auto" and pick_device(config.device).type == "cpu":
        config.model = replace(config.model, dtype="float32")
    return config


def set_exported(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Let a composed config score letters, so that a model's own settings are those for letters."""
    if cfg.diagnostic.get("mc_scoring") == "auto":
        cfg.diagnostic.mc_scoring = "letters"


def find_export_problems(config: RunConfig) -> list[str]:
    """Every problem with what is to be trained elsewhere, each with its fix."""
    problems = find_problems(config)
    try:
        as_exported(config.diagnostic)
    except UserError as error:
        problems.append(str(error))
    if config.optimizer.name != "adamw":
        problems.append(
            f"optimizer={config.optimizer.name}: other trainers are given AdamW alone; use "
            "optimizer=adamw."
        )
    if config.null.repeats:
        problems.append(
            f"null.repeats={config.null.repeats}: null draws are trained, and only folds are "
            "exported; leave it out."
        )
    if config.model.name.startswith("tiny"):
        problems.append(
            f"model.name={config.model.name}: it is built on the spot and has no files; name a "
            "folder or a hub id."
        )
    return problems


def find_score_problems(config: ScoreConfig) -> list[str]:
    """Every problem with what is to be scored, each with its fix."""
    problems = find_problems(config)
    if not config.adapters and not config.predictions:
        problems.append("Nothing to score: tst score FOLDER, or tst score predictions=FILE.")
    if config.null.repeats:
        problems.append(
            f"null.repeats={config.null.repeats}: null draws are trained, and what is scored is "
            "trained already; leave it out."
        )
    return problems
