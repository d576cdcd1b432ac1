"""Prunings: outputs/prune/<benchmark>/<diagnostic>[-<model>]/<hash>/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tst.records.kinds.kind import RecordKind, numbers, with_interval

CURVE = ["n", "removed_before", "removed", "score_hard", "score_soft", "baseline", "adjusted",
         "highest", "lowest_removed", "seconds"]  # fmt: skip
FIELDS = ("score_hard", "adjusted")


class Prunings(RecordKind):
    """Records whose parts are iterations, by number."""

    folder = "prune"
    levels = ("benchmark", "diagnostic")
    result = ("summary.json",)
    source = "benchmark"
    unit = "iterations"

    def place(self, record: Path) -> tuple[str, ...]:
        """Benchmark and diagnostic, and that it is a pruning."""
        return *super().place(record), self.folder

    def parts(self, record: Path) -> list[str]:
        return [str(number) for number in _iterations(record).index]

    def series(self, record: Path, part: str) -> list[pd.DataFrame]:
        """One diagnosis of what remained, and how many questions went because of it."""
        return [_iterations(record).loc[[int(part)], CURVE]]

    def figures(self, summary: dict[str, Any]) -> dict[str, float]:
        done = summary["pruning"]
        judged: dict[str, Any] = {}
        for entry in summary["judged"]:
            lists = {
                name: with_interval(of_list, {field: field for field in FIELDS})
                for name, of_list in entry["lists"].items()
            }
            if random := entry.get("random"):
                ends = ("mean", "low", "high")
                lists["random"] = {f"{f}_{end}": random[f][end] for f in FIELDS for end in ends}
            judged.setdefault(entry["judge"], {})[entry["folds"]] = lists
        gaps = {
            model: {
                name: {field: of_list[field] for field in ("vision", "blind", "gap")}
                for name, of_list in entry["overall"]["lists"].items()
            }
            for model, entry in summary["predictions"].items()
        }
        return numbers(
            {
                "": {field: done[field] for field in ("budget", "removed", "kept", "seconds")},
                "before": {field: done["before"][field] for field in FIELDS},
                "after": {field: done["after"][field] for field in FIELDS},
                "planted": done.get("planted", {}),
                "judged": judged,
                "predictions": gaps,
            }
        )


PRUNING = Prunings()


def _iterations(record: Path) -> pd.DataFrame:
    """iterations.csv by number; empty where there is none yet."""
    path = record / "iterations.csv"
    return pd.read_csv(path, index_col="iteration") if path.exists() else pd.DataFrame()
