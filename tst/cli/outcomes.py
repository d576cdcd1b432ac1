"""What became of a command's jobs: one file per job, exit codes, the table at a sweep's end."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tst.records.files import read_json, write_json

OUTCOME = "outcome.json"
FINISHED, PARTIAL, FAILED, REFUSED = "finished", "partial", "failed", "refused"
INTERRUPTED = "interrupted"
FOUND = "found"
"""Finished, and what the user asked to fail on was found."""
FOUND_CODE = 3


@dataclass
class Outcome:
    """What became of one job.

    state: finished, partial (folds are missing), failed, refused (the user's mistake), interrupted,
        found (finished, and it has what was to be failed on)
    record: path of its record, where there is one
    error: one line, for failed and refused jobs
    row: columns for the sweep's table
    """

    state: str
    record: str = ""
    error: str = ""
    row: dict[str, Any] = field(default_factory=dict)


def exit_code(outcomes: list[Outcome]) -> int:
    """0: all done; 2: all that failed are the user's to mend; 3: something was found; else 1."""
    states = {o.state for o in outcomes}
    failed = states & {FAILED, REFUSED}
    if not failed:
        return FOUND_CODE if FOUND in states else 0
    return 2 if failed == {REFUSED} else 1


def write_outcome(folder: Path, outcome: Outcome, overrides: list[str]) -> None:
    """Leave the outcome in the job's Hydra folder; on a full disk the job counts as dead."""
    with contextlib.suppress(OSError):
        write_json(folder / OUTCOME, {**asdict(outcome), "overrides": overrides})


def read_outcomes(sweep: Path) -> list[tuple[str, Outcome]]:
    """(overrides, outcome) of a sweep's jobs in order; a job that left none has died."""
    jobs = [p.parent for p in sweep.glob("*/.hydra")]
    found = []
    for job in sorted(jobs, key=lambda p: (len(p.name), p.name)):
        try:
            entry = read_json(job / OUTCOME)
            overrides = entry.pop("overrides")
        except (OSError, ValueError, KeyError):
            entry = asdict(Outcome(FAILED, error="the process ended without a message (killed?)"))
            overrides = _read_overrides(job)
        shown = [o for o in overrides if not o.startswith(("hydra/", "hydra."))]
        found.append((" ".join(shown), Outcome(**entry)))
    return found


def _read_overrides(job: Path) -> list[str]:
    path = job / ".hydra" / "overrides.yaml"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def show_sweep(outcomes: list[tuple[str, Outcome]]) -> None:
    """One table over all jobs, a ``record:`` line per record, and which jobs failed."""
    from tst.cli.console import show_jobs, wide_console

    rows = [
        {"job": str(number), "state": outcome.state, **outcome.row}
        for number, (_, outcome) in enumerate(outcomes)
    ]
    show_jobs(rows, wide_console(140))
    for number, (overrides, outcome) in enumerate(outcomes):
        if outcome.error:
            print(f"job {number} {outcome.state}: {overrides}: {outcome.error}", file=sys.stderr)
        elif outcome.record:
            print(f"record: {outcome.record}")
