"""Paired differences between records, kept: slim records have no questions to pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tst.analysis.comparison import compare
from tst.records.files import read_json, write_json
from tst.records.run_records import RunRecord
from tst.records.slim_records import is_slim

FILE = "differences.json"
FIELDS = ("diff_hard", "low_hard", "high_hard")


@dataclass
class Differences:
    """The overall difference b - a by the hashes of both sides' records.

    known: what was computed, or read from a folder of slim records
    """

    known: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path | None) -> Differences:
        """Those of a folder of slim records; none where it has none."""
        path = None if folder is None else folder / FILE
        return cls(read_json(path) if path is not None and path.exists() else {})

    def overall(self, a: Sequence[RunRecord], b: Sequence[RunRecord]) -> dict[str, float] | None:
        """FIELDS of the last row of ``compare``; None where a record is slim and nobody kept it."""
        name = " ".join(r.hash for r in a) + " : " + " ".join(r.hash for r in b)
        if name not in self.known and not any(is_slim(r.path) for r in (*a, *b)):
            overall = compare(a, b).iloc[-1]
            self.known[name] = {field: float(overall[field]) for field in FIELDS}
        return self.known.get(name)

    def write(self, folder: Path) -> None:
        """Keep all that is known in a folder of slim records."""
        if self.known:
            write_json(folder / FILE, dict(sorted(self.known.items())))
