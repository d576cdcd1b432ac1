"""Find the finished records under an outputs folder and check that they are as they were written.

A record is verified when its state is finished, every file that status.json lists matches its
checksum, and its folder's name is the hash that this version of the code computes from its
config.yaml and fingerprint. All others are listed with the reason and enter no figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tst.core.errors import UserError
from tst.core.folds import describe_scheme
from tst.records import identity
from tst.records.files import checksum, read_json
from tst.records.identity import identity_hash, identity_leaves
from tst.records.kinds import STRESS_TEST, RecordKind
from tst.records.record import SUMMARY

QUESTIONS = "questions.parquet"

OUTDATED = "outdated"
"""State of a finished record that another results version made."""

LAST_UNMARKED_VERSION = 2
"""Of records whose summary names no version."""


@dataclass(frozen=True)
class RunRecord:
    """A finished, verified record of a stress test.

    benchmark, diagnostic, model: as in the folder's path; model is empty for rf
    leaves: the settings that can change a number, by dotted path
    """

    path: Path
    benchmark: str
    diagnostic: str
    model: str
    summary: dict[str, Any] = field(repr=False)
    leaves: dict[str, Any] = field(repr=False)
    finished_at: str = ""

    @property
    def hash(self) -> str:
        """The run identity that names the folder."""
        return self.path.name

    @property
    def seed(self) -> int:
        """The fold plan's seed."""
        return int(self.leaves["fold.seed"])

    @property
    def group_by(self) -> str | None:
        """The group that folds keep whole; None for random folds."""
        group: str | None = self.leaves["fold.group_by"]
        return group

    @property
    def scheme(self) -> str:
        """``random`` or ``grouped``."""
        return "random" if self.group_by is None else "grouped"

    @property
    def stratify(self) -> str:
        """What folds are balanced by: ``type``, ``answer`` or ``none``."""
        return str(self.leaves["fold.stratify"])

    @property
    def folds(self) -> str:
        """How folds are made, for people: ``5 random folds``."""
        folds = self.summary["folds"]
        return describe_scheme(folds["k"], self.group_by, self.stratify)

    @property
    def fingerprint(self) -> str:
        """Of the question table."""
        return str(self.summary["data"]["fingerprint"])

    @property
    def subject(self) -> str:
        """What was run, for people: ``TsT-RF`` or ``TsT-LLM (model)``."""
        return f"TsT-LLM ({self.model})" if self.model else "TsT-RF"

    @property
    def command(self) -> str:
        """What was typed to run it, outside of its sweep."""
        return str(read_json(self.path / "environment.json")["command"])

    @property
    def questions(self) -> pd.DataFrame:
        """questions.parquet, read anew each time: hundreds of records would fill the memory."""
        return pd.read_parquet(self.path / QUESTIONS)

    def optional_table(self, name: str) -> pd.DataFrame | None:
        """A CSV of the record that not every record has; None where absent."""
        path = self.path / name
        return pd.read_csv(path) if path.exists() else None


@dataclass(frozen=True)
class Unusable:
    """A record folder that enters no figure, and why."""

    path: Path
    benchmark: str
    state: str
    reason: str


@dataclass(frozen=True)
class Found:
    """All records under an outputs folder."""

    records: list[RunRecord]
    unusable: list[Unusable]


def find_records(outputs_root: Path) -> Found:
    """The records under ``outputs_root``/runs, in path order."""
    found = Found([], [])
    for path in STRESS_TEST.find(outputs_root):
        entry = examine(path)
        if isinstance(entry, RunRecord):
            found.records.append(entry)
        else:
            found.unusable.append(entry)
    return found


def read_record(path: Path) -> RunRecord:
    """The record in a folder. UserError, with the fix, when it is none or is not verified."""
    if not (path / "status.json").exists():
        raise UserError(
            f"{path} is no record: it has no status.json. Pass the folder that a run printed as "
            "`record: PATH`."
        )
    entry = examine(path.resolve())
    if isinstance(entry, Unusable):
        raise UserError(
            f"record {path} is {entry.state}: {entry.reason}. Run its command again to complete it."
        )
    return entry


def examine(path: Path) -> RunRecord | Unusable:
    """Read and verify one record folder of a stress test."""
    found = verify(path, STRESS_TEST)
    if isinstance(found, Unusable):
        return found
    summary = found.summary
    benchmark, diagnostic, _ = STRESS_TEST.place(path)
    try:
        config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
        leaves = identity_leaves(config, summary["folds"]["group_by"])
        expected = identity_hash(leaves, summary["data"]["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        reason = f"its files do not fit together ({type(error).__name__})"
        return Unusable(path, benchmark, "damaged", reason)
    if expected != path.name:
        return Unusable(
            path, benchmark, "stale",
            "another version of the code, or another config, made it: the hash differs",
        )  # fmt: skip
    name, _, model = diagnostic.partition("-")
    return RunRecord(path, benchmark, name, model, summary, leaves, found.at)


@dataclass(frozen=True)
class Finished:
    """The summary of a finished record whose files match their checksums, and when it finished."""

    summary: dict[str, Any]
    at: str


def verify(path: Path, kind: RecordKind) -> Finished | Unusable:
    """Read the summary of a record of any kind whose state is finished and whose files match."""

    def unusable(state: str, reason: str) -> Unusable:
        return Unusable(path, kind.place(path)[0], state, reason)

    try:
        status = read_json(path / "status.json")
        state = str(status["state"])
        if state != "finished":
            return unusable(state, why_unfinished(status))
        if fault := find_damage(path, status.get("files") or {}, kind.result):
            return unusable("damaged", fault)
        summary = read_json(path / SUMMARY)
        if kind.has_results_version and (version := find_other_version(summary)):
            return unusable(OUTDATED, version)
        return Finished(summary, str(status.get("at", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return unusable("damaged", "status.json or summary.json cannot be read")


def find_other_version(summary: dict[str, Any]) -> str:
    """``results version 2`` where another version than the current one made a record."""
    version = summary.get("results_version", LAST_UNMARKED_VERSION)
    return "" if version == identity.RESULTS_VERSION else f"results version {version}"


def describe_left_out(unusable: Iterable[Unusable]) -> list[str]:
    """One sentence per record that enters no figure; one for all of the same earlier version."""
    outdated = Counter(u.reason for u in unusable if u.state == OUTDATED)
    sentences = [
        f"Left out: {count} record{'s' * (count > 1)} of {version}; results of this version of TsT "
        f"have version {identity.RESULTS_VERSION}, so run their commands again."
        for version, count in sorted(outdated.items())
    ]
    return sentences + [
        f"Left out, {u.state}: {'/'.join(u.path.parts[-4:])} ({u.reason})."
        for u in unusable
        if u.state != OUTDATED
    ]


def why_unfinished(status: dict[str, Any]) -> str:
    """Why a record is not finished, in one line, from its status.json."""
    if "error" in status:
        return str(status["error"]).splitlines()[0]
    if "finished" in status:
        return f"{status['finished']} of {status['planned_folds']} folds are finished"
    return str(status.get("reason") or "not all folds are finished")


def find_damage(path: Path, files: dict[str, str], needed: tuple[str, ...]) -> str:
    """What is wrong with the files that status.json lists, in words; empty when nothing is."""
    if any(name not in files for name in needed):
        return "status.json lists no result"
    for name, expected in files.items():
        if not (path / name).is_file():
            return f"{name} is missing"
        if checksum(path / name) != expected:
            return f"{name} was changed after the run"
    return ""
