"""What was exported: which questions, which plan, which base, which settings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tst.core.errors import UserError
from tst.core.folds import FoldPlan
from tst.external_training.trainer_notes import read_object
from tst.records.files import checksum

MANIFEST = "manifest.json"
KIND = "tst export 1"
"""What the file is, and the version of its layout."""
CONFIG_PARTS = (
    *("benchmark", "diagnostic", "model", "optimizer", "fold", "features", "scoring"),
    "data_root",
)
"""Parts of the config that the folds were made with, and are scored with."""
_ENTRIES = {
    "table": ("name", "fingerprint"),
    "plan": ("digest",),
    "base": ("name", "digest", "commit"),
    "config": CONFIG_PARTS,
    "files": (),
}
"""What is read of each part of a manifest."""


@dataclass(frozen=True)
class Manifest:
    """manifest.json of an export.

    format: of ``settings.FORMATS``; trainer: who is expected to train
    table: name, fingerprint and number of questions
    plan: k, seed, repeats, group_by, stratify, digest
    base: name, revision, digest of the weights (empty where none were on the machine)
    folds: "repeat-fold" of what was exported
    config: the resolved config of the stress test, as nested dicts
    files: SHA-256 of the training and held-out files by name
    rendering: how the model's own chat template, as others use it, differs from ours
    """

    format: str
    trainer: str
    table: dict[str, Any]
    plan: dict[str, Any]
    base: dict[str, Any]
    folds: list[str]
    config: dict[str, Any]
    files: dict[str, str]
    rendering: dict[str, Any] = field(default_factory=dict)
    kind: str = KIND

    @property
    def digest(self) -> str:
        """12 hex digits over what decides whether adapters belong to it."""
        parts = [self.table["fingerprint"], self.plan["digest"], self.base, self.files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def read_manifest(folder: Path) -> Manifest | None:
    """manifest.json of a folder; None where there is none. UserError where it is not of tst."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    given = read_object(path)
    if given.get("kind") != KIND:
        raise UserError(
            f"{path}: kind is {given.get('kind')!r}, expected {KIND!r}; export again with this "
            "version."
        )
    try:
        manifest = Manifest(**given)
        for part, names in _ENTRIES.items():
            entries = vars(manifest)[part]
            if not isinstance(entries, dict):
                raise ValueError(f"{part} is no object")
            if missing := [name for name in names if name not in entries]:
                raise ValueError(f"{part} has no {missing[0]}")
    except (ValueError, TypeError) as error:
        raise UserError(f"{path} is no manifest of tst export ({error}); export again.") from error
    return manifest


def find_manifest(start: Path) -> tuple[Path, Manifest] | None:
    """The manifest in a folder or the one above it, and the folder that has it."""
    for folder in (start, start.resolve().parent):
        if manifest := read_manifest(folder):
            return folder, manifest
    return None


def describe_plan(table: pd.DataFrame, plan: FoldPlan) -> dict[str, Any]:
    """The plan's settings, and a digest over who is held out when."""
    rows = [[str(table["id"].iat[i]), *plan.assignment[:, i].tolist()] for i in plan.order]
    text = json.dumps(sorted(rows), ensure_ascii=False)
    return {
        "k": plan.k,
        "seed": plan.seed,
        "repeats": plan.repeats,
        "group_by": plan.group_by,
        "stratify": plan.stratify,
        "digest": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16],
    }


def find_mismatches(
    folder: Path, manifest: Manifest, fingerprint: str, plan: dict[str, Any]
) -> list[str]:
    """What is not as it was exported, in sentences: the questions, the plan, the training files."""
    problems = []
    if manifest.table["fingerprint"] != fingerprint:
        problems.append(
            f"the questions have fingerprint {fingerprint}, those exported "
            f"{manifest.table['fingerprint']}: the benchmark's file was changed or is another"
        )
    if manifest.plan != plan:
        differing = [name for name in plan if plan[name] != manifest.plan.get(name)]
        shown = ", ".join(f"{n}={plan[n]} for {manifest.plan.get(n)}" for n in differing)
        problems.append(f"another fold plan: {shown}; leave fold=... out")
    for name, expected in manifest.files.items():
        path = folder / name
        if path.is_file() and checksum(path) != expected:
            problems.append(f"{name} was changed after the export")
    return problems
