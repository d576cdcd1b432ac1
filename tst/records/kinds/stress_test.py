"""Stress tests: outputs/runs/<benchmark>/<diagnostic>[-<model>]/<fold scheme>/<hash>/."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from tst.records.files import read_json
from tst.records.kinds.kind import RecordKind

CURVES = ("epoch", "loss", "learning_rate", "tokens")
"""Columns of a fold's history, by step."""
CURVE_POINTS = 500
"""Points of a fold's curve; longer ones are thinned evenly."""
FOLD, FOLD_SCORE, FOLD_SCORE_SOFT = "fold", "fold_score", "fold_score_soft"
LOSS, SPEED = "loss", "tokens_per_second"


class StressTests(RecordKind):
    """Records whose parts are folds, named repeat-fold."""

    folder = "runs"
    levels = ("benchmark", "diagnostic", "fold scheme")
    result = ("summary.json", "questions.parquet")
    source = "benchmark"
    unit = "folds"
    sections: ClassVar = {
        **{"overall": "", "macro": "macro", "per_format": "format", "per_type": "type"},
        **{name: name for name in ("truth", "planted", "cost", "null")},
    }

    def parts(self, record: Path) -> list[str]:
        names = [path.stem for path in (record / "folds").glob("*.json")]
        return sorted(names, key=_repeat_and_fold)

    def series(self, record: Path, part: str) -> list[pd.DataFrame]:
        """The fold's training curve by step, and its scores by fold number."""
        repeat, fold = _repeat_and_fold(part)
        prefix = curve_prefix(repeat, fold)
        found = []
        curve = record / "history" / f"{part}.parquet"
        if curve.exists():
            points = evenly_spaced(pd.read_parquet(curve, columns=["step", *CURVES]), CURVE_POINTS)
            found.append(points.add_prefix(f"{prefix}/").set_index(f"{prefix}/step"))
        scores = pd.read_parquet(record / "folds" / f"{part}.parquet", columns=["hard", "s"]).mean()
        cost = read_json(record / "folds" / f"{part}.json").get("cost", {})
        row = {FOLD_SCORE: scores["hard"], FOLD_SCORE_SOFT: scores["s"]}
        if cost.get("train_seconds") and cost.get("train_tokens"):
            row[SPEED] = cost["train_tokens"] / cost["train_seconds"]
        row |= {f"{prefix}/{name}": value for name, value in row.items()}
        row[LOSS] = cost.get("train_loss")
        return [*found, pd.DataFrame([row], index=pd.Index([fold], name=FOLD), dtype=float)]


STRESS_TEST = StressTests()


def curve_prefix(repeat: int, fold: int) -> str:
    """First part of the names of a fold's own numbers."""
    return f"fold{fold}" if repeat == 0 else f"repeat{repeat}/fold{fold}"


def evenly_spaced(history: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most ``most`` rows, evenly spaced, the last one among them."""
    if len(history) <= most:
        return history
    return history.iloc[np.linspace(0, len(history) - 1, most).round().astype(int)]


def _repeat_and_fold(part: str) -> tuple[int, int]:
    repeat, fold = part.split("-")
    return int(repeat), int(fold)
