"""Prunings: outputs/prune/<benchmark>/<diagnostic>[-<model>]/<hash>/."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from tst.records.kinds.kind import RecordKind

CURVE = ["n", "removed_before", "removed", "score_hard", "score_soft", "baseline",
         "adjusted_hard", "adjusted_soft", "highest", "lowest_removed", "seconds"]  # fmt: skip


class Prunings(RecordKind):
    """Records whose parts are iterations, by number."""

    folder = "prune"
    levels = ("benchmark", "diagnostic")
    result = ("summary.json",)
    source = "benchmark"
    unit = "iterations"
    sections: ClassVar = {"pruning": "", "judged": "judged", "predictions": "predictions"}

    def place(self, record: Path) -> tuple[str, ...]:
        """Benchmark and diagnostic, and that it is a pruning."""
        return *super().place(record), self.folder

    def parts(self, record: Path) -> list[str]:
        return [str(number) for number in _iterations(record).index]

    def series(self, record: Path, part: str) -> list[pd.DataFrame]:
        """One diagnosis of what remained, and how many questions went because of it."""
        return [_iterations(record).loc[[int(part)], CURVE]]

    def figures(self, summary: dict[str, Any]) -> dict[str, float]:
        """Those of the pruning, by judge, folds and list, and of models whose answers are given.

        What judges say per question type is left to the record.
        """
        judged: dict[str, Any] = {}
        for entry in summary["judged"]:
            lists = {**entry["lists"], "random": entry.get("random", {})}
            judged.setdefault(entry["judge"], {})[entry["folds"]] = lists
        gaps = {name: entry["overall"]["lists"] for name, entry in summary["predictions"].items()}
        found = super().figures({**summary, "judged": judged, "predictions": gaps})
        return {key: value for key, value in found.items() if "/per_type/" not in key}


PRUNING = Prunings()


def _iterations(record: Path) -> pd.DataFrame:
    """iterations.csv by number; empty where there is none yet."""
    path = record / "iterations.csv"
    return pd.read_csv(path, index_col="iteration") if path.exists() else pd.DataFrame()
