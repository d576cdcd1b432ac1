"""The state of every record under an outputs folder, from status.json and leases alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tst.records.files import read_json
from tst.records.kinds import KINDS
from tst.records.leases import Leases
from tst.records.record import LEASES

STATES = ("finished", "running", "stopped", "partial", "interrupted", "failed", "damaged")


@dataclass(frozen=True)
class RecordState:
    """Where a record stands.

    state: one of STATES. A record with unfinished folds is ``running`` while a live process holds
        a lease of it; ``stopped`` where status.json says running and no such process lives
    folds: finished and planned, where the record has folds
    detail: the error of a failed record, the holders of a running one
    command: what completes it
    """

    path: Path
    state: str
    folds: tuple[int, int] | None
    detail: str
    command: str


def survey(outputs_root: Path) -> list[RecordState]:
    """The records under ``outputs_root``, in path order."""
    return [read_state(path) for kind in KINDS for path in kind.find(outputs_root)]


def read_state(path: Path) -> RecordState:
    """The state of one record folder."""
    config = _read(path / "environment.json")
    command = str(config.get("command", ""))
    status = _read(path / "status.json")
    state = str(status.get("state", "damaged"))
    detail = str(status.get("error", ""))
    done = len(list((path / "folds").glob("*.parquet")))
    planned = status.get("planned_folds")
    if state in ("running", "partial"):
        if holders := Leases(path / LEASES).holders():
            state, detail = "running", ", ".join(holders)
        elif state == "running":
            state = "stopped"
    folds = (done, int(planned)) if planned else None
    return RecordState(path, state, folds, detail, command)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
