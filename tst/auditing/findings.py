"""What the records of an audit say of each question type, and verdict.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tst import __version__
from tst.auditing.plan import GROUPED, RANDOM
from tst.auditing.run import Audit
from tst.core.number_text import percent, percent_interval
from tst.records.identity import RESULTS_VERSION
from tst.records.run_records import RunRecord
from tst.scoring.exposure import (
    EXPOSED,
    MOST_TELLING,
    NO_SIGN,
    ONE_ANSWER,
    name_parts,
    states_by_type,
)
from tst.stress_testing.verdict import headline

VERDICT_FIELDS = ("score_hard", "score_soft", "baseline", "majority", "adjusted_hard", "bits")


@dataclass(frozen=True)
class TypeFinding:
    """One question type, in one of its formats, in an audit; scores are shares between 0 and 1.

    name: the type, with its format where it has several
    state: of the deciding scheme: ``scoring.exposure``'s exposed, one answer, no sign or too few
    scores: scheme to its hard score; intervals: its 95% interval, where the type has one
    random_alone: exposed in random folds, but not in grouped ones, which decide
    """

    name: str
    question_type: str
    format: str
    n: int
    state: str
    chance: float
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    to_mend: int
    random_alone: bool

    @property
    def is_exposed(self) -> bool:
        """Whether questions of it are to be mended."""
        return self.state in (EXPOSED, ONE_ANSWER)


def find_types(audit: Audit) -> list[TypeFinding]:
    """Every question type, by format where it has several, most to mend first."""
    schemes = {s: r for s, r in audit.runs.items() if s in (RANDOM, GROUPED)}
    entries = {
        scheme: {(e["question_type"], e["format"]): e for e in record.summary["exposure"]}
        for scheme, record in schemes.items()
    }
    names = name_parts(audit.deciding.summary["exposure"])
    found = []
    for part, entry in entries[audit.plan.deciding].items():
        states = {scheme: of_scheme[part]["state"] for scheme, of_scheme in entries.items()}
        intervals = {s: interval_of(r, entry) for s, r in schemes.items()}
        is_clean = states[audit.plan.deciding] == NO_SIGN
        found.append(
            TypeFinding(
                names[part], *part, entry["n"], entry["state"], entry["chance"],
                {scheme: of_scheme[part]["score"] for scheme, of_scheme in entries.items()},
                {scheme: interval for scheme, interval in intervals.items() if interval},
                entry["to_mend"], is_clean and states[RANDOM] == EXPOSED,
            )
        )  # fmt: skip
    return found


def interval_of(record: RunRecord, entry: dict[str, Any]) -> tuple[float, float] | None:
    """The interval of a type's hard score; None where it has none, or several formats."""
    part = record.summary["per_type"].get(entry["question_type"], {})
    low, high = part.get("interval", {}).get("score_hard") or (None, None)
    return None if low is None or high is None or part["n"] != entry["n"] else (low, high)


def as_verdict(audit: Audit, command: str) -> dict[str, Any]:
    """verdict.json: everything in audit.md as numbers; no question's text.

    command: what made it
    """
    types = find_types(audit)
    data = audit.deciding.summary["data"]
    states = states_by_type(audit.deciding.summary["exposure"])
    named = {
        state: [name for name, its_state in states.items() if its_state == state]
        for state in MOST_TELLING
    }
    return {
        "tst": __version__,
        "results_version": RESULTS_VERSION,
        "command": command,
        "benchmark": data["benchmark"],
        "fingerprint": data["fingerprint"],
        "questions": data["questions"],
        "rows_read": data["rows_read"],
        "headline": headline(audit.deciding.summary),
        **{state.replace(" ", "_"): names for state, names in named.items()},
        "to_mend": sum(t.to_mend for t in types),
        "shortcuts": _shortcuts(audit.deciding.summary),
        "decided_by": audit.plan.deciding,
        "types": [asdict(t) for t in types],
        "runs": {name: describe_run(record) for name, record in audit.runs.items()},
        "null": audit.deciding.summary.get("null", {}),
        "siblings": asdict(audit.siblings) if audit.siblings is not None else None,
        "change": describe_change(audit),
    }


def _shortcuts(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By exposed type what most of its questions to mend have in common, without an example."""
    fields = ("listed", "shortcut", "share")
    return {
        name: {field: entry[field] for field in fields}
        for name, entry in summary.get("shortcuts", {}).items()
    }


def share_right(record: RunRecord) -> str:
    """ "52.1% [48.0, 56.2]": the questions that are answered right, with the interval."""
    overall = record.summary["overall"]
    low, high = overall["interval"]["score_hard"]
    return f"{percent(overall['score_hard'])}% {percent_interval(low, high)}"


def describe_run(record: RunRecord) -> dict[str, Any]:
    """Where a run's record is, how it was folded, and its overall scores."""
    overall = record.summary["overall"]
    return {
        "record": str(record.path),
        "hash": record.hash,
        "diagnostic": record.subject,
        "folds": record.folds,
        "seed": record.seed,
        **{field: overall[field] for field in VERDICT_FIELDS},
        "interval": overall["interval"]["score_hard"],
    }


def describe_change(audit: Audit) -> dict[str, Any] | None:
    """What mending changed; None where no earlier file was given."""
    change = audit.change
    if change is None:
        return None
    return {
        "before": describe_run(change.before),
        "mended": change.mended,
        "removed": change.removed,
        "added": change.added,
        "types": change.by_type.to_dict("records"),
    }
