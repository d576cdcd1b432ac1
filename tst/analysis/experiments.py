"""Finished records of pruning and of noisy tuning, verified by state and checksum."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tst.records.files import read_json
from tst.records.verified import SUMMARY, Unusable, find_tampering, why_unfinished


@dataclass(frozen=True)
class Experiment:
    """One finished record: outputs/<kind>/<subject>/.../<hash>."""

    path: Path
    subject: str
    summary: dict[str, Any] = field(repr=False)

    @property
    def hash(self) -> str:
        """The run identity that names the folder."""
        return self.path.name


def find_experiments(outputs_root: Path, kind: str) -> tuple[list[Experiment], list[Unusable]]:
    """The records under ``outputs_root``/``kind`` that can be trusted, and the others."""
    root = outputs_root / kind
    good: list[Experiment] = []
    bad: list[Unusable] = []
    for status_file in sorted(root.glob("**/status.json")):
        path = status_file.parent
        subject = path.relative_to(root).parts[0]
        try:
            status = read_json(status_file)
            state = str(status["state"])
            if state != "finished":
                bad.append(Unusable(path, subject, state, why_unfinished(status)))
            elif fault := find_tampering(path, status.get("files") or {}, (SUMMARY,)):
                bad.append(Unusable(path, subject, "damaged", fault))
            else:
                good.append(Experiment(path, subject, read_json(path / SUMMARY)))
        except (OSError, ValueError, KeyError, TypeError):
            bad.append(Unusable(path, subject, "damaged", "status or summary cannot be read"))
    return good, bad
