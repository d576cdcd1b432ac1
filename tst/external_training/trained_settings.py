"""What adapters from elsewhere were trained with, as the export and the files beside them say."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tst.core.diagnostic import Fold
from tst.core.errors import UserError
from tst.diagnostics.llm.settings import LoraSettings
from tst.external_training.manifest import Manifest
from tst.external_training.settings import ExternalAdapterSettings, ScoreConfig
from tst.external_training.step_counts import CountedSteps, count_steps, find_batch
from tst.external_training.trainer_notes import read_object
from tst.external_training.trainer_settings import fold_name, read_settings

if TYPE_CHECKING:
    from tst.external_training.adapters import Adapter

log = logging.getLogger("tst")

VERSIONS = "versions.json"


def settings_of(
    config: ScoreConfig,
    found: tuple[Path, Manifest] | None,
    adapters: dict[Fold, Adapter],
    rows: dict[Fold, int],
) -> ExternalAdapterSettings:
    """What all folds were trained with; UserError where folds differ.

    rows: training questions of each fold
    """
    by_fold: dict[str, dict[str, Any]] = {}
    if found is not None:
        yamls = [found[0] / f"train-{fold_name(fold)}.yaml" for fold in adapters]
        gone = [path.name for path in yamls if not path.is_file()]
        if gone and len(gone) < len(yamls):
            raise UserError(f"{found[0]}: {', '.join(gone)} of the export is missing; restore it.")
    for fold, adapter in adapters.items():
        stated = {} if found is None else read_settings(found[0] / f"train-{fold_name(fold)}.yaml")
        noted = adapter.settings()
        if adapter.notes.steps < adapter.notes.planned:
            log.warning(
                "fold %s: stopped at step %d of %d",
                fold_name(fold), adapter.notes.steps, adapter.notes.planned,
            )  # fmt: skip
        for name in sorted(set(stated) & set(noted)):
            if stated[name] != noted[name]:
                log.warning(
                    "fold %s: its YAML says %s=%s, but it was trained with %s",
                    fold_name(fold), name, stated[name], noted[name],
                )  # fmt: skip
        by_fold[fold_name(fold)] = stated | noted
    _correct_batches(by_fold, adapters, rows)
    (first, known), *others = by_fold.items()
    for name, own in others:
        if differing := [k for k in sorted(known | own) if known.get(k) != own.get(k)]:
            shown = ", ".join(f"{k}={known.get(k)} and {own.get(k)}" for k in differing)
            raise UserError(
                f"folds {first} and {name} were trained with different settings: {shown}; train "
                "all folds alike."
            )
    if found is not None:
        lora = config.diagnostic
        assert isinstance(lora, LoraSettings)
        known.setdefault("warmup", lora.warmup)
    return ExternalAdapterSettings(
        **known,
        max_length=config.diagnostic.max_length,
        score_tokens=config.diagnostic.score_tokens,
    )


def who_trained(found: tuple[Path, Manifest] | None) -> str:
    """Who trained, with its version where ``run.sh`` noted it."""
    if found is None or found[1].trainer == "unknown":
        return "unknown"
    path = found[0] / "adapters" / VERSIONS
    version = read_object(path).get(found[1].trainer, "") if path.is_file() else ""
    version = version if re.fullmatch(r"[\w.+-]{1,40}", str(version)) else ""
    return f"{found[1].trainer} {version}".rstrip()


def _correct_batches(
    by_fold: dict[str, dict[str, Any]], adapters: dict[Fold, Adapter], rows: dict[Fold, int]
) -> None:
    """Put the batch that a trainer's steps tell in the place of a stated one, and say so."""
    others: dict[str, CountedSteps] = {}
    for fold, adapter in adapters.items():
        own, planned = by_fold[fold_name(fold)], adapter.notes.planned
        if planned and "batch_size" in own and "epochs" in own:
            training = CountedSteps(rows[fold], own["epochs"], planned)
            if not training.with_batch(own["batch_size"]):
                others[fold_name(fold)] = training
    if not others:
        return
    first = next(iter(others))
    stated, training = by_fold[first]["batch_size"], others[first]
    size = find_batch(stated, list(others.values()))
    log.warning(
        "fold %s: trained for %d steps; a batch of %d and %g epochs of %d questions make %d. The "
        "batch was %s (several GPUs, accumulated gradients or packed rows?)",
        ", ".join(others), training.planned, stated, training.epochs, training.rows,
        count_steps(training.rows, stated, training.epochs), size or "another",
    )  # fmt: skip
    for name in others:
        by_fold[name]["batch_size"] = size
