"""What W&B is told, read off a record's files as plain dicts; knows no wandb.

Texts of questions, options and answers are in none of it unless they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.records.files import checksum, read_json
from tst.tracking import metric_names, noisy_content, pruning_content
from tst.tracking.settings import TrackingSettings

CURVE_POINTS = 500
"""Points of a fold's curve; longer ones are thinned evenly."""

NUMBERS = (
    "fold", "n_options", "s", "s_zero_shot", "delta", "bits", "baseline", "adjusted", "correct",
    "correct_zero_shot", "margin", "letter_mass", "parsed", "n_repeats",
)  # fmt: skip
LABELS = ("id", "question_type", "format")
TEXTS = ("question", "options", "answer", "prediction", "generated")


@dataclass
class Story:
    """One record as the process that publishes it is told of it.

    leaves: the settings that can change a number, by dotted path
    source: what it was computed from: name, fingerprint, revision, number of rows
    """

    record: Path
    outputs_root: Path
    leaves: dict[str, Any]
    source: dict[str, Any]
    settings: TrackingSettings = field(default_factory=TrackingSettings)

    @property
    def hash(self) -> str:
        """The run identity: also the id of the W&B run."""
        return self.record.name

    @property
    def place(self) -> tuple[str, str, str]:
        """As in the record's path: benchmark, diagnostic[-model] and fold scheme.

        Of noisy tuning: data, optimizer-model, corruption-schedule; of a pruning the last is prune.
        """
        if pruning_content.is_pruning(self.record):
            folder, benchmark, chooser = self.record.parts[-4:-1]
            return benchmark, chooser, folder
        source, how, scheme = self.record.parts[-4:-1]
        return source, how, scheme

    @property
    def name(self) -> str:
        """How the run is called in lists."""
        return " ".join([*self.place, self.hash[:6]])

    @property
    def tags(self) -> list[str]:
        """The user's tags and the record's place."""
        return list(dict.fromkeys([*self.settings.tags, *(part[:64] for part in self.place)]))

    def config(self) -> dict[str, Any]:
        """Settings as nested dicts, and what identifies questions, code and machine."""
        environment = read_json(self.record / "environment.json")
        about = {
            "hash": self.hash,
            "code": environment.get("commit", ""),
            "tst": environment.get("tst", ""),
            "versions": environment.get("versions", {}),
            "cpus": environment.get("cpus"),
            "gpus": environment.get("gpus", []),
        }
        config = nest(self.leaves)
        part = "data" if noisy_content.is_noisy(self.record) else "benchmark"
        config[part] = {**config.get(part, {}), **self.source}
        return {**config, "record": about}


def nest(leaves: dict[str, Any]) -> dict[str, Any]:
    """Nested dicts from dotted paths."""
    nested: dict[str, Any] = {}
    for path, value in leaves.items():
        *parents, last = path.split(".")
        node = nested
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return nested


def finished_folds(record: Path) -> list[str]:
    """Names (repeat-fold) of the folds whose sidecar is there, in order."""
    if noisy_content.is_noisy(record):
        return noisy_content.finished_parts(record)
    if pruning_content.is_pruning(record):
        return pruning_content.finished_parts(record)
    names = [p.stem for p in (record / "folds").glob("*.json")]
    return sorted(names, key=lambda name: [int(part) for part in name.split("-")])


def fold_rows(record: Path, name: str) -> list[dict[str, float]]:
    """History rows of a finished fold: its curve, then its scores."""
    if noisy_content.is_noisy(record):
        return noisy_content.step_rows(record)
    if pruning_content.is_pruning(record):
        return pruning_content.iteration_row(record, name)
    repeat, fold = (int(part) for part in name.split("-"))
    prefix = metric_names.curve_prefix(repeat, fold)
    curve = record / "history" / f"{name}.parquet"
    rows: list[dict[str, float]] = []
    if curve.exists():
        points = thin(pd.read_parquet(curve), CURVE_POINTS)
        rows = [
            {f"{prefix}/{key}": float(point[key]) for key in metric_names.CURVES}
            for point in points.to_dict("records")
        ]
    scores = pd.read_parquet(record / "folds" / f"{name}.parquet", columns=["hard", "s"])
    cost = read_json(record / "folds" / f"{name}.json").get("cost", {})
    last: dict[str, float] = {
        metric_names.FOLD: fold,
        metric_names.FOLD_SCORE: float(scores["hard"].mean()),
        metric_names.FOLD_SCORE_SOFT: float(scores["s"].mean()),
    }
    if cost.get("train_loss") is not None:
        last[metric_names.LOSS] = float(cost["train_loss"])
    if cost.get("train_seconds") and cost.get("train_tokens"):
        last[metric_names.SPEED] = float(cost["train_tokens"]) / float(cost["train_seconds"])
    own = {f"{prefix}/{key}": value for key, value in last.items() if key != metric_names.FOLD}
    place = {f"{prefix}/step": rows[-1][f"{prefix}/step"]} if rows else {}
    return [*rows, {**last, **own, **place}]


def axes(record: Path, name: str) -> dict[str, str]:
    """Which key is the x axis of which, for the rows of a finished fold."""
    if noisy_content.is_noisy(record):
        return noisy_content.AXES
    if pruning_content.is_pruning(record):
        return pruning_content.AXES
    repeat, fold = (int(part) for part in name.split("-"))
    prefix = metric_names.curve_prefix(repeat, fold)
    return {f"{prefix}/*": f"{prefix}/step"} | dict.fromkeys(
        (
            metric_names.FOLD_SCORE,
            metric_names.FOLD_SCORE_SOFT,
            metric_names.LOSS,
            metric_names.SPEED,
        ),
        metric_names.FOLD,
    )


def thin(history: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most ``most`` rows, evenly spaced, the last one among them."""
    if len(history) <= most:
        return history
    return history.iloc[np.linspace(0, len(history) - 1, most).round().astype(int)]


def question_table(record: Path, settings: TrackingSettings) -> pd.DataFrame | None:
    """The questions with the highest s; their texts only with ``log_text``. None without any."""
    if not (record / "questions.parquet").exists():
        return None
    questions = pd.read_parquet(record / "questions.parquet")
    columns = [*LABELS, *NUMBERS, *(TEXTS if settings.log_text else ())]
    top = questions.sort_values(["s", "id"], ascending=[False, True]).head(settings.table_rows)
    return top[[c for c in columns if c in top]].reset_index(drop=True)


def result_digest(record: Path) -> str:
    """Of the finished result; empty while there is none."""
    finished = _status(record).get("state") == "finished"
    return checksum(record / "summary.json") if finished else ""


def _status(record: Path) -> dict[str, Any]:
    path = record / "status.json"
    return dict(read_json(path)) if path.exists() else {}


def end_of(record: Path, state: str) -> dict[str, Any]:
    """The last words: the summary where there is a result, else the state and the error's name.

    An error's message may quote a question, so it stays in the record.
    """
    words: dict[str, Any] = {metric_names.STATE: state}
    scalars = metric_names.scalars
    if noisy_content.is_noisy(record):
        scalars = noisy_content.scalars
    elif pruning_content.is_pruning(record):
        scalars = pruning_content.scalars
    else:
        words["folds/finished"] = len(finished_folds(record))
    if result_digest(record):
        words |= scalars(read_json(record / "summary.json"))
    error = _status(record).get("error")
    if error:
        words["error"] = str(error).partition(":")[0]
    return words
