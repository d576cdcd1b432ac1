"""What became of a command's jobs: one file per job, exit codes, the table at a sweep's end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
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
    error: for failed and refused jobs; traceback: of one that crashed
    row: columns for the sweep's table, the most important first
    """

    state: str
    record: str = ""
    error: str = ""
    traceback: str = ""
    row: dict[str, Any] = field(default_factory=dict)


@dataclass
class SweptJob:
    """One job of a sweep: its number, overrides and outcome, and the file that holds them."""

    number: int
    overrides: list[str]
    outcome: Outcome
    file: Path


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


def read_outcomes(sweep: Path) -> list[SweptJob]:
    """A sweep's jobs in order; a job that left no outcome has died."""
    jobs = [p.parent for p in sweep.glob("*/.hydra")]
    found = []
    for number, job in enumerate(sorted(jobs, key=lambda p: (len(p.name), p.name))):
        try:
            entry = read_json(job / OUTCOME)
            overrides = entry.pop("overrides")
        except (OSError, ValueError, KeyError):
            entry = asdict(Outcome(FAILED, error="the process ended without a message (killed?)"))
            overrides = _read_overrides(job)
        found.append(SweptJob(number, overrides, Outcome(**entry), job / OUTCOME))
    return found


def _read_overrides(job: Path) -> list[str]:
    path = job / ".hydra" / "overrides.yaml"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def show_sweep(jobs: Sequence[SweptJob]) -> None:
    """One table over all jobs, why some failed, each reason once, and a ``record:`` line each."""
    from tst.cli.sweep_console import show_jobs
    from tst.cli.tables import standard_output

    show_jobs(jobs, standard_output())
    reasons: dict[str, list[SweptJob]] = {}
    for job in jobs:
        if job.outcome.error:
            reasons.setdefault(f"{job.outcome.state}: {job.outcome.error}", []).append(job)
    for reason, of in reasons.items():
        print(f"{name_jobs([job.number for job in of])} {reason}", file=sys.stderr)
        for job in of:
            if job.outcome.traceback:
                print(f"  traceback of job {job.number}: {job.file}", file=sys.stderr)
    sys.stderr.flush()
    for record in dict.fromkeys(j.outcome.record for j in jobs if j.outcome.record):
        print(f"record: {record}")


def name_jobs(numbers: Sequence[int]) -> str:
    """``job 3``, ``jobs 0, 2``, ``jobs 0-4``."""
    if len(numbers) == 1:
        return f"job {numbers[0]}"
    runs = list(numbers) == list(range(numbers[0], numbers[-1] + 1))
    if runs and len(numbers) > 2:
        return f"jobs {numbers[0]}-{numbers[-1]}"
    return f"jobs {', '.join(map(str, numbers))}"
