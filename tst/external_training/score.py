"""Scores adapters or predictions from elsewhere into a record like any other."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tst.core.errors import UserError
from tst.core.folds import FoldPlan
from tst.core.questions import QuestionTable
from tst.diagnostics.llm.settings import ModelSettings
from tst.external_training.declaration import (
    ExternalAdapters,
    PredictionFile,
    UnverifiedAdapters,
    path_of,
)
from tst.external_training.manifest import (
    CONFIG_PARTS,
    MANIFEST,
    Manifest,
    describe_plan,
    find_manifest,
    find_mismatches,
)
from tst.external_training.settings import PredictionFileSettings, ScoreConfig
from tst.external_training.trained_settings import settings_of, who_trained
from tst.external_training.trainer_settings import fold_name
from tst.records.files import checksum
from tst.stress_testing.run import Result, load_table, plan_for, run

log = logging.getLogger("tst")

LORA = "lora_llm"
OWN_READER = re.compile(r"tst\.benchmarks\.\w+\.\w+")
"""Dotted paths of functions that read a benchmark's records."""


def take_manifest(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Complete a composed config with that of the manifest; what the command line says stays."""
    start = cfg.adapters or (str(Path(cfg.predictions).parent) if cfg.predictions else "")
    found = find_manifest(Path(start).expanduser()) if start else None
    if found is None:
        return
    asked = deepcopy(cfg)
    if asked.diagnostic.name != LORA:
        raise UserError(
            f"diagnostic={asked.diagnostic.name}: what is scored was trained as "
            f"{found[0] / MANIFEST} says; leave it out."
        )
    try:
        for section in CONFIG_PARTS:
            OmegaConf.update(cfg, section, found[1].config[section], merge=True)
    except OmegaConfBaseException as error:
        raise UserError(
            f"{found[0] / MANIFEST}: its settings are not those of this version "
            f"({str(error).splitlines()[0]}); export again with this version."
        ) from error
    for word in overrides:
        key = word.lstrip("+~").partition("=")[0].partition("@")[0]
        if key.partition(".")[0] in CONFIG_PARTS:
            OmegaConf.update(cfg, key, OmegaConf.select(asked, key), merge=True)
    _forbid_code(found[0] / MANIFEST, cfg, asked)


def _forbid_code(path: Path, cfg: DictConfig, asked: DictConfig) -> None:
    """A folder from elsewhere must not make this machine run its code.

    A model's own code runs where the command line says so. Raises UserError for a diagnostic, and a
    reader of questions, that are neither tst's nor named there.
    """
    cfg.model.trust_remote_code = asked.model.trust_remote_code
    for key in ("diagnostic.implementation", "benchmark.reader"):
        code = OmegaConf.select(cfg, key)
        named = code == OmegaConf.select(asked, key)
        if code and not named and not OWN_READER.fullmatch(str(code)):
            raise UserError(
                f"{path}: {key}={code} is code that is not tst's. To run it, name it on the "
                f"command line: {key}={code}"
            )


def score_elsewhere(config: ScoreConfig) -> Result:
    """Score what was trained or answered elsewhere, and write its record.

    Raises UserError where adapters are missing or belong to other questions, another plan or
    another base; and for predictions that are missing or cannot be read.
    """
    if config.predictions:
        return _score_predictions(config)
    return _score_adapters(config)


def _score_adapters(config: ScoreConfig) -> Result:
    from tst.external_training.adapters import (
        adapters_root,
        digest_adapters,
        find_adapters,
        why_missing,
    )
    from tst.external_training.base_match import require_base
    from tst.external_training.wrong_rows import find_wrong_rows

    folder = Path(config.adapters).expanduser().resolve()
    run_config = config.as_run()
    table = load_table(run_config)
    plan = plan_for(run_config, table)
    found = find_manifest(folder)
    root = adapters_root(folder)
    wanted = plan.folds(config.fold.only)
    # those that are not asked for now belong to the same record
    adapters = find_adapters(root, plan.folds())
    problems = [] if found is None else _mismatches(*found, table, plan)
    problems += find_wrong_rows(None if found is None else found[0], adapters)
    if missing := [fold for fold in wanted if fold not in adapters]:
        why = why_missing(root, missing, plan.folds())
        if not why and found is None:
            why = (
                f"there is no {MANIFEST} of tst export, so the folds are those of fold.k={plan.k}, "
                f"fold.repeats={plan.repeats}; name benchmark=, model= and fold= of the training"
            )
        problems.append(
            f"no adapter of fold {', '.join(map(fold_name, missing))} (repeat-fold) in {root}; "
            + (why or "train it, or name the others with fold.only")
        )
    if problems:
        raise UserError("\n".join(f"{folder}: {problem}." for problem in problems))
    require_base(config.model, config.device, None if found is None else found[1], adapters)
    rows = {fold: len(table.frame) - len(plan.heldout_rows(*fold)) for fold in adapters}
    settings = settings_of(config, found, adapters, rows)
    declared = UnverifiedAdapters if found is None else ExternalAdapters
    settings.implementation = path_of(declared)
    settings.name = "external_llm" if found is not None else "unverified_llm"
    settings.trainer = config.trainer if config.trainer != "auto" else who_trained(found)
    settings.adapters = digest_adapters(adapters)
    settings.manifest = "" if found is None else found[1].digest
    settings.folder = str(folder)
    if found is None:
        log.warning(
            "%s: no manifest of tst export beside it or above: what these adapters were trained on "
            "cannot be told; the record is marked as not verified leak-free", folder,
        )  # fmt: skip
    run_config.diagnostic = settings
    return run(run_config, table)


def _mismatches(
    folder: Path, manifest: Manifest, table: QuestionTable, plan: FoldPlan
) -> list[str]:
    described = describe_plan(table.frame, plan)
    return find_mismatches(folder, manifest, table.fingerprint, described)


def _score_predictions(config: ScoreConfig) -> Result:
    from tst.external_training.predictions import read_predictions, require_complete

    path = Path(config.predictions).expanduser().resolve()
    run_config = config.as_run()
    table = load_table(run_config)
    plan = plan_for(run_config, table)
    found = find_manifest(path.parent)
    if found is not None and (problems := _mismatches(*found, table, plan)):
        raise UserError("\n".join(f"{found[0]}: {problem}." for problem in problems))
    wanted = plan.folds(config.fold.only)
    require_complete(path, read_predictions(path), table.frame, plan, wanted)
    trainer = config.trainer if config.trainer != "auto" else path.stem
    log.warning(
        "%s: nothing proves what %s was trained on; the record is marked as not verified leak-free",
        path, trainer,
    )  # fmt: skip
    run_config.model = ModelSettings(name=trainer, quantization="none", dtype="float32")
    run_config.diagnostic = PredictionFileSettings(
        implementation=path_of(PredictionFile),
        trainer=trainer,
        predictions=hashlib.sha256(checksum(path).encode()).hexdigest()[:12],
        file=str(path),
    )
    return run(run_config, table)
