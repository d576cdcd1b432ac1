"""What W&B shows of a record, read from its files as plain values; imports no wandb.

Texts of questions, options and answers are in none of it unless they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from tst.records.files import checksum, read_json
from tst.records.identity import read_identity
from tst.records.kinds import RecordKind, kind_of
from tst.records.record_states import read_state
from tst.tracking.settings import TrackingSettings

LABELS = ("id", "question_type", "format")


@dataclass(frozen=True)
class TrackedRecord:
    """A record, and how W&B shows it.

    source: what the record was computed from: name, fingerprint, revision, number of rows
    settings: settings of the tracking
    shown: settings that are shown besides those of the record's identity, by dotted path
    """

    path: Path
    outputs_root: Path
    source: dict[str, Any]
    settings: TrackingSettings
    shown: dict[str, Any]

    @property
    def kind(self) -> RecordKind:
        """Stress test, pruning or noisy tuning."""
        return kind_of(self.path, self.outputs_root)

    @property
    def hash(self) -> str:
        """The run identity: also the id of the W&B run."""
        return self.path.name

    @property
    def place(self) -> tuple[str, ...]:
        """What the record's path says, for people: benchmark, diagnostic, fold scheme."""
        return self.kind.place(self.path)

    @property
    def tags(self) -> list[str]:
        """The user's tags and the record's place."""
        return list(dict.fromkeys([*self.settings.tags, *(part[:64] for part in self.place)]))

    @property
    def result(self) -> str:
        """Checksum of the finished result's summary.json; empty while there is none."""
        finished = read_state(self.path).state == "finished"
        return checksum(self.path / "summary.json") if finished else ""

    @property
    def parts(self) -> list[str]:
        """Names of the finished folds or iterations, in order."""
        return self.kind.parts(self.path)

    def config(self) -> dict[str, Any]:
        """Settings as nested dicts, and what identifies questions, code and machine."""
        config: dict[str, Any] = {self.kind.source: {}}
        for path, value in {**read_identity(self.path).leaves, **self.shown}.items():
            *sections, last = path.split(".")
            section = config
            for name in sections:
                section = section.setdefault(name, {})
            section[last] = without_folder(value)
        config[self.kind.source] |= self.source
        environment = read_json(self.path / "environment.json")
        about = ("tst", "versions", "cpus", "gpus")
        config["record"] = {name: environment.get(name) for name in about}
        config["record"] |= {"hash": self.hash, "code": environment.get("commit", "")}
        return config

    def end(self) -> dict[str, Any]:
        """State, finished parts and, where there is a result, its figures; else the error's name.

        An error's message may quote a question, so it stays in the record.
        """
        state = read_state(self.path)
        end = {"state": state.state, f"{self.kind.unit}/finished": len(self.parts)}
        if state.state == "finished":
            end |= self.kind.figures(read_json(self.path / "summary.json"))
        if state.state == "failed":
            end["error"] = state.detail.partition(":")[0]
        return end

    def question_table(self) -> pd.DataFrame | None:
        """The questions with the highest s: ids, labels and numbers; texts only with ``log_text``.

        None for a record that has no questions, and with ``table_rows=0``.
        """
        path = self.path / "questions.parquet"
        if not path.exists() or not self.settings.table_rows:
            return None
        ranked = pd.read_parquet(path).sort_values(["s", "id"], ascending=[False, True])
        top = ranked.head(self.settings.table_rows).reset_index(drop=True)
        without_text = [*LABELS, *top.select_dtypes("number")]
        return top if self.settings.log_text else top[without_text]


def without_folder(value: Any) -> Any:
    """A setting as it may leave the machine: of a path its last part alone.

    A path is what exists here, or can be nothing else: the id of a hub model has one slash at most.
    """
    if not isinstance(value, str):
        return value
    is_path = value.startswith(("/", ".", "~")) or value.count("/") > 1
    return Path(value).name if is_path or ("/" in value and Path(value).exists()) else value
