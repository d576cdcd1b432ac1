"""Noisy tuning: outputs/noisy/<data>/<optimizer>-<model>/<corruption>-<schedule>/<hash>/."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pandas as pd

from tst.records.files import read_json
from tst.records.kinds.kind import RecordKind

SIGNALS = ["loss", "confidence", "agar", "grad_norm"]


class NoisyTunings(RecordKind):
    """Records with one part, the whole training: it is on disk when it has ended."""

    folder = "noisy"
    levels = ("data", "optimizer", "corruption and schedule")
    result = ("summary.json",)
    source = "data"
    unit = "trainings"
    sections: ClassVar = {
        **{"detection": "", "loss": "training_loss"},
        **{name: name for name in ("memorisation", "cost")},
    }
    has_results_version = False  # noisy tuning has a version of its own

    def parts(self, record: Path) -> list[str]:
        finished = read_json(record / "status.json")["state"] == "finished"
        return ["training"] if finished else []

    def series(self, record: Path, part: str) -> list[pd.DataFrame]:
        """Signals by step (1 is the first), also per kind of step, and the held-out loss."""
        steps = pd.read_parquet(record / "steps.parquet")
        steps.index = pd.Index(steps["step"] + 1, name="step")
        signals = steps[SIGNALS].astype(float)
        by_kind = [
            signals[steps["kind"] == kind].add_prefix(f"{kind}/")
            for kind in ("clean", "corrupted", "mixed")
        ]
        held_out = pd.read_parquet(record / "curve.parquet").set_index("step")
        return [pd.concat([signals, steps["share"], *by_kind, held_out], axis=1).sort_index()]


NOISY_TUNING = NoisyTunings()
