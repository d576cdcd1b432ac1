"""Find and read the verified records of stress tests.

Besides ``verify``: the folder's name must be the hash of the record's identity.json, and this must
agree with its config.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from tst.core.errors import UserError
from tst.core.folds import describe_scheme
from tst.diagnostics.known import find_diagnostic
from tst.records.files import read_json
from tst.records.identity import Identity, flatten, read_identity
from tst.records.kinds import STRESS_TEST
from tst.records.kinds.kind import folder_name
from tst.records.verification import Unusable, verify

QUESTIONS = "questions.parquet"


@dataclass(frozen=True)
class RunRecord:
    """A finished, verified record of a stress test.

    benchmark: as in the path of a folder that stands where the run wrote it
    diagnostic: its name; model: short name of the model that it reads, empty where it reads none
    label: what people call the diagnostic
    leaves: the settings that can change a number, by dotted path
    """

    path: Path
    benchmark: str
    diagnostic: str
    model: str
    label: str
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
    def version(self) -> int:
        """Of the diagnostic that made it."""
        return int(self.leaves["diagnostic.version"])

    @property
    def is_earlier(self) -> bool:
        """Whether an earlier version of its diagnostic made it."""
        return _is_of_other_version(self.leaves)

    @property
    def fingerprint(self) -> str:
        """Of the question table."""
        return str(self.summary["data"]["fingerprint"])

    @property
    def subject(self) -> str:
        """What was run, for people: its label, and the model where it reads one."""
        return subject(self.label, self.model)

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


def subject(label: str, model: str) -> str:
    """A diagnostic as people call it: ``TsT-RF``, ``TsT-LLM (model)``."""
    return f"{label} ({model})" if model else label


@dataclass(frozen=True)
class Found:
    """All records under an outputs folder."""

    records: list[RunRecord]
    unusable: list[Unusable]


def find_records(outputs_root: Path, slim: bool = False) -> Found:
    """The records under ``outputs_root``/runs, in path order.

    slim: also those of which only the summary is kept; their questions cannot be read, and an
        earlier version of their diagnostic will do (``RunRecord.is_earlier``)
    """
    found = Found([], [])
    for path in STRESS_TEST.find(outputs_root):
        entry = examine(path, slim)
        if isinstance(entry, RunRecord):
            found.records.append(entry)
        else:
            found.unusable.append(entry)
    return found


def read_record(path: Path) -> RunRecord:
    """The record in a folder. UserError, with the fix, when it is none or is not verified."""
    if not (path / "status.json").exists():
        raise UserError(
            f"{path} is not a record: it has no status.json. Pass the folder that a run printed as "
            "`record: PATH`."
        )
    entry = examine(path.resolve())
    if isinstance(entry, Unusable):
        raise UserError(
            f"record {path} is {entry.state}: {entry.reason}. Run its command again to complete it."
        )
    return entry


def examine(path: Path, slim: bool = False) -> RunRecord | Unusable:
    """Read and verify one record folder of a stress test; ``slim`` as in ``find_records``."""
    found = verify(path, STRESS_TEST, slim)
    if isinstance(found, Unusable):
        return found
    benchmark = STRESS_TEST.place(path)[0]
    try:
        made = read_identity(path)
        config = yaml.safe_load((path / "config.yaml").read_text(encoding="utf-8"))
        about = found.summary["diagnostic"]
        who = str(about["name"]), str(about["model"]), str(about["label"])
        benchmark = folder_name(str(found.summary["data"]["benchmark"]))  # a copy is elsewhere
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        reason = f"another version of the code made it ({type(error).__name__})"
        return Unusable(path, benchmark, "stale", reason)
    if why := why_stale(made, config, path.name, earlier=slim):
        return Unusable(path, benchmark, "stale", why)
    return RunRecord(path, benchmark, *who, found.summary, made.leaves, found.at)


def why_stale(made: Identity, config: dict[str, Any], name: str, earlier: bool = False) -> str:
    """Why a record of this name is not what its config would give today; empty when it is.

    earlier: an earlier version of its diagnostic will do
    """
    if made.hash != name:
        return f"its folder's name is not {made.hash}, the hash of its identity.json (rename it)"
    settings = flatten(config)
    changed = [
        path
        for path, value in made.leaves.items()
        if path in settings and settings[path] != value and settings[path] != "first"
    ]
    if changed:
        return f"its config.yaml was changed after the run: {', '.join(changed)}"
    if not earlier and _is_of_other_version(made.leaves):
        return f"another version of diagnostic {made.leaves['diagnostic.name']} made it"
    return ""


def _is_of_other_version(leaves: dict[str, Any]) -> bool:
    """Whether another version of one of tst's own diagnostics than today's made a record."""
    diagnostic, own = (leaves[f"diagnostic.{key}"] for key in ("name", "implementation"))
    return not own and find_diagnostic(diagnostic).version != leaves["diagnostic.version"]
