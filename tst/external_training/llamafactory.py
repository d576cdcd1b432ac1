"""``diagnostic.trainer=llamafactory``: export, train there, score here, in one command."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from copy import deepcopy
from dataclasses import fields, replace
from pathlib import Path

from tst.config.schema import RunConfig
from tst.core.errors import UserError
from tst.diagnostics.llm.settings import TRAINED_HERE, LoraSettings
from tst.external_training.settings import (
    ALPACA,
    ScoreConfig,
    exported_config,
    find_export_problems,
)
from tst.stress_testing.identity import record_folder
from tst.stress_testing.run import Result, load_table

log = logging.getLogger("tst")

FOLDER = "exports"
LOG = "training.log"
LAST_LINES = 15


def is_trained_elsewhere(config: RunConfig) -> bool:
    """Whether a stress test asks for another trainer."""
    lora = config.diagnostic
    return isinstance(lora, LoraSettings) and lora.trainer != TRAINED_HERE


def trained_here(config: RunConfig) -> RunConfig:
    """The stress test with the settings that are exported, as if trained here; for a dry run."""
    config = exported_config(config)
    lora = replace(config.diagnostic, trainer=TRAINED_HERE, llamafactory="")
    return replace(config, diagnostic=lora)


def run_with_llamafactory(config: RunConfig) -> Result:
    """Export the folds, let LLaMA-Factory train those without adapters, and score them.

    The export lies under outputs_root/exports; trained folds in it are not trained again. Raises
    UserError for what cannot be exported, and where LLaMA-Factory is not found or fails.
    """
    from tst.external_training.export import export_folds
    from tst.external_training.score import score_elsewhere
    from tst.stress_testing.build import resolve_auto

    cli = find_cli(config.diagnostic.llamafactory)
    if problems := find_export_problems(config):
        raise UserError("\n".join(problems))
    plain = deepcopy(trained_here(config))
    plain.fold.only = None
    resolved = resolve_auto(plain)
    name = "-".join(record_folder(resolved, load_table(resolved)).parts[-4::3])
    folder = Path(config.outputs_root) / FOLDER / name
    exported = export_folds(plain, folder, ALPACA)
    left = exported.differences
    if exported.ends:
        left = replace(left, more_tokens={})
    for sentence in left.sentences():
        log.info("as LLaMA-Factory renders them: %s", sentence)
    train_folds(exported.folder, cli, config.fold.only)
    values = {f.name: getattr(resolved, f.name) for f in fields(RunConfig)}
    scored = ScoreConfig(**values, adapters=str(exported.folder))
    scored.fold = replace(resolved.fold, only=config.fold.only)
    return score_elsewhere(scored)


def find_cli(path: str) -> Path:
    """The program that trains. Raises UserError where there is none."""
    found = shutil.which(path or "llamafactory-cli")
    if found is None:
        raise UserError(
            f"diagnostic.llamafactory={path or 'llamafactory-cli'}: no such program; name the "
            "llamafactory-cli of LLaMA-Factory's environment (docs/trained-elsewhere.md)."
        )
    return Path(found).absolute()


def train_folds(folder: Path, cli: Path, only: list[int] | None) -> None:
    """Run an export's run.sh; its output goes to training.log.

    Raises UserError with the last lines where it fails.
    """
    names = [p.stem.removeprefix("train-") for p in sorted(folder.glob("train-*.yaml"))]
    wanted = [n for n in names if only is None or int(n.partition("-")[2]) in only]
    log.info("%s trains fold %s; its output: %s", cli, ", ".join(wanted), folder / LOG)
    environment = {**os.environ, "LLAMAFACTORY": str(cli), "FOLDS": " ".join(wanted)}
    environment.pop("PYTHONPATH", None)  # this project's packages are not those of its environment
    with (folder / LOG).open("ab") as output:
        done = subprocess.run(
            ["bash", str(folder / "run.sh")],
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
    if done.returncode:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        last = "\n  ".join(lines[-LAST_LINES:])
        raise UserError(
            f"LLaMA-Factory ended with exit code {done.returncode}; folds that are trained stay. "
            f"{folder / LOG} ends with\n  {last}"
        )
