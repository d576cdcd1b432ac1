"""Check that finished records of any kind are as they were written.

A record is verified when its state is finished, every file that status.json lists matches its
checksum, and the current results version made it. All others are listed with the reason and enter
no figure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tst.records import identity
from tst.records.files import checksum, read_json
from tst.records.kinds import RecordKind
from tst.records.record import SUMMARY
from tst.records.slim_records import SLIM

OUTDATED = "outdated"
"""State of a finished record that another results version made."""

LAST_UNMARKED_VERSION = 2
"""Of records whose summary names no version."""


@dataclass(frozen=True)
class Unusable:
    """A record folder that enters no figure, and why."""

    path: Path
    benchmark: str
    state: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """The summary of a finished record whose files match their checksums, and when it finished."""

    summary: dict[str, Any]
    at: str


def verify(path: Path, kind: RecordKind, slim: bool = False) -> Finished | Unusable:
    """Read the summary of a record of any kind whose state is finished and whose files match.

    slim: a record of which only the summary is kept will do
    """

    def unusable(state: str, reason: str) -> Unusable:
        return Unusable(path, kind.place(path)[0], state, reason)

    try:
        status = read_json(path / "status.json")
        state = str(status["state"])
        if state != "finished":
            return unusable(state, why_unfinished(status))
        if SLIM in status and not slim:
            return unusable(SLIM, "only its summary is kept")
        needed = (SUMMARY,) if SLIM in status else kind.result
        if fault := find_damage(path, status.get("files") or {}, needed):
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
    return str(status.get("reason") or "it has not finished")


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
