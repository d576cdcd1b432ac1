"""Slim records: what tables are made from, small enough for git, without any question's text.

config.yaml, identity.json, summary.json, and a status with the whole record's checksums.
``outputs/`` is not kept by git; from slim records a page of results can be made again without the
GPU days behind it. Nothing that reads questions can read them.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import yaml

from tst.records.files import checksum, read_json, write_json, write_text
from tst.records.identity import IDENTITY
from tst.records.record import SUMMARY

SLIM = "slim"
"""Key of status.json with the checksums of the whole record's files; also the state of such a
record where a whole one is needed."""
ENVIRONMENT = ("tst", "commit", "versions", "gpus")
PLACES = {"data_root": "DIR", "benchmark.path": "FILE", "outputs_root": "", "n_jobs": ""}
"""Settings that say where things are on one machine, and what a command has in their place; an
empty word leaves them out."""
TEXTS = ("understood", "left_out")
"""Parts of summary.json's ``data`` that may quote the source."""


def is_slim(record: Path) -> bool:
    """Whether a record's status says that only its summary is kept."""
    return SLIM in read_json(record / "status.json")


def write_slim(record: Path, outputs_root: Path, folder: Path) -> Path:
    """Write the slim copy of a finished record at the same place under ``folder``; its path."""
    slim = folder / record.resolve().relative_to(outputs_root.resolve())
    slim.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((record / "config.yaml").read_text(encoding="utf-8"))
    config = {key: value for key, value in config.items() if key not in PLACES}
    if "benchmark" in config:
        config["benchmark"].pop("path", None)
    write_text(slim / "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    if (record / IDENTITY).exists():
        shutil.copyfile(record / IDENTITY, slim / IDENTITY)
    environment = read_json(record / "environment.json")
    kept = {key: environment[key] for key in ENVIRONMENT}
    command = without_places(environment["command"])
    write_json(slim / "environment.json", {**kept, "command": command})
    write_json(slim / SUMMARY, without_text(read_json(record / SUMMARY)))
    status = read_json(record / "status.json")
    files = {SUMMARY: checksum(slim / SUMMARY)}
    write_json(slim / "status.json", {**status, "files": files, SLIM: status["files"]})
    return slim


def without_places(command: str) -> str:
    """A command without what is true of one machine alone."""
    words = []
    for word in shlex.split(command):
        key, _, value = word.partition("=")
        if key == "benchmark" and "/" in value:
            words.append(f"{key}={Path(value).name}")
        elif key not in PLACES:
            words.append(word)
        elif PLACES[key]:
            words.append(f"{key}={PLACES[key]}")
    return shlex.join(words)


def without_text(summary: dict[str, Any]) -> dict[str, Any]:
    """A summary without what quotes its source, and without where that lies."""
    if shortcuts := summary.get("shortcuts"):
        told = {t: {k: v for k, v in e.items() if k != "why"} for t, e in shortcuts.items()}
        summary = {**summary, "shortcuts": told}
    if "data" not in summary:
        return summary
    data = {key: value for key, value in summary["data"].items() if key not in TEXTS}
    if "source" in data:
        data["source"] = Path(str(data["source"])).name
    return {**summary, "data": data}
