"""What all kinds of record have in common, and what each declares."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd


class RecordKind(ABC):
    """A kind of record: outputs/<folder>/<place>/<hash>/, where place is a folder per level.

    folder: under ``outputs_root``
    levels: what the folders of the place say, outermost first
    result: files of the result without which a finished record cannot be read
    source: the section of the settings that says what was read
    unit: the parts that a record is computed in, in the plural
    sections: sections of summary.json whose numbers a list of runs shows, and what they are called
        there; an empty name puts the numbers first
    has_results_version: whether its results change with RESULTS_VERSION
    """

    folder: ClassVar[str]
    levels: ClassVar[tuple[str, ...]]
    result: ClassVar[tuple[str, ...]]
    source: ClassVar[str]
    unit: ClassVar[str]
    sections: ClassVar[dict[str, str]]
    has_results_version: ClassVar[bool] = True

    def path(self, outputs_root: str | Path, place: Iterable[str], identity: str) -> Path:
        """The folder of a record."""
        return Path(outputs_root, self.folder, *map(folder_name, place), identity)

    def find(self, outputs_root: Path) -> list[Path]:
        """The folders of this kind that have a status, in path order."""
        pattern = "/".join([self.folder, *("*" for _ in self.levels), "*", "status.json"])
        return sorted(path.parent for path in outputs_root.glob(pattern))

    def place(self, record: Path) -> tuple[str, ...]:
        """What the record's path says, a part per level."""
        return record.parts[-1 - len(self.levels) : -1]

    @abstractmethod
    def parts(self, record: Path) -> list[str]:
        """Names of the parts that are finished, in order."""

    @abstractmethod
    def series(self, record: Path, part: str) -> list[pd.DataFrame]:
        """The numbers of a finished part: a table per axis, its index named after the axis."""

    def figures(self, summary: dict[str, Any]) -> dict[str, float]:
        """The numbers of summary.json that a list of runs shows, by their path (``numbers``)."""
        return numbers({name: summary.get(part, {}) for part, name in self.sections.items()})


def folder_name(part: str) -> str:
    """A part of a place as a folder: letters, digits, dots and dashes; anything else is a dash."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", part).strip("-.") or "unnamed"


def numbers(nested: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """The finite numbers in nested dicts, by the names on the way joined with slashes.

    An empty name adds nothing; a slash within a name becomes a dash. What stands under
    ``interval`` as [low, high] becomes ``<name>_low`` and ``<name>_high`` of the level above.
    """
    found: dict[str, float] = {}
    for name, value in nested.items():
        key = f"{prefix}/{key_part(name)}".strip("/")
        if name == "interval":
            for field, (low, high) in value.items():
                found |= numbers({f"{field}_low": low, f"{field}_high": high}, prefix)
        elif isinstance(value, Mapping):
            found |= numbers(value, key)
        elif isinstance(value, int | float) and math.isfinite(value):
            found[key] = value
    return found


def key_part(name: str) -> str:
    """A question type, format or model as one part of a key."""
    return name.replace("/", "-")
