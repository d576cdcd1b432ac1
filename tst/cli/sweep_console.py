"""The table at a sweep's end: what tells the jobs apart, their state, their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from tst.cli.outcomes import FINISHED, SweptJob, name_jobs
from tst.cli.tables import Column, Row, show_table
from tst.core.number_text import DASH, percent


def show_jobs(jobs: Sequence[SweptJob], console: Console) -> None:
    """One line per record, or per job that left none; columns are what differs, then the figures.

    Columns that say the same of every job, and those without any figure, are left out first.
    """
    lines = join_by_record(jobs)
    swept = find_swept(jobs)
    columns = [Column("job", is_text=True), *(Column(key, is_text=True) for key in swept)]
    rows = [
        [name_jobs([j.number for j in line]).removeprefix("jobs ").removeprefix("job "),
         *(_swept_value(line, key) for key in swept)]
        for line in lines
    ]  # fmt: skip
    last = [_most_telling(line) for line in lines]
    if any(job.outcome.state != FINISHED for job in last):
        columns.append(Column("state", is_text=True))
        for row, job in zip(rows, last, strict=True):
            row.append(job.outcome.state)
    _add_figures(columns, rows, [job.outcome.row for job in last], swept)
    show_table(columns, [Row(row) for row in rows], console)


def show_rows(figures: Sequence[Mapping[str, Any]], console: Console) -> None:
    """One line per run; columns are the union of the keys, the first of them the last to go."""
    columns: list[Column] = []
    rows: list[list[str]] = [[] for _ in figures]
    _add_figures(columns, rows, figures, [])
    show_table(columns, [Row(row) for row in rows], console)


def _add_figures(
    columns: list[Column],
    rows: list[list[str]],
    figures: Sequence[Mapping[str, Any]],
    but: Sequence[str],
) -> None:
    """Add a column per key of ``figures``, and to each row its cells; none for those of ``but``."""
    names = list(dict.fromkeys(name for entry in figures for name in entry))
    for rank, name in enumerate(names, 1):
        values = [entry.get(name) for entry in figures]
        given = [value for value in values if value not in (None, "")]
        if not given or name in but:
            continue
        is_text = not all(isinstance(value, float | int) for value in given)
        says_nothing = is_text and len(rows) > 1 and len({*map(str, given)}) == 1
        columns.append(Column(name, rank + (len(names) if says_nothing else 0), is_text))
        for row, value in zip(rows, values, strict=True):
            row.append(_cell(value))


def join_by_record(jobs: Sequence[SweptJob]) -> list[list[SweptJob]]:
    """The jobs in order, those that worked on one record together."""
    lines: dict[str, list[SweptJob]] = {}
    for job in jobs:
        lines.setdefault(job.outcome.record or f"job {job.number}", []).append(job)
    return list(lines.values())


def find_swept(jobs: Sequence[SweptJob]) -> list[str]:
    """The settings that are not the same in all jobs, in the order of the command line."""
    chosen = [_settings(job) for job in jobs]
    keys = dict.fromkeys(key for settings in chosen for key in settings)
    return [key for key in keys if len({settings.get(key) for settings in chosen}) > 1]


def _settings(job: SweptJob) -> dict[str, str]:
    pairs = (override.lstrip("+").partition("=") for override in job.overrides)
    return {key: value for key, _, value in pairs}


def _swept_value(line: Sequence[SweptJob], key: str) -> str:
    values = list(dict.fromkeys(_settings(job).get(key, DASH) for job in line))
    return ", ".join(values)


def _most_telling(line: Sequence[SweptJob]) -> SweptJob:
    """Of the jobs on one record the last that finished it, else the last."""
    finished = [job for job in line if job.outcome.state == FINISHED]
    return (finished or list(line))[-1]


def _cell(value: Any) -> str:
    if value is None or value == "":
        return DASH
    return percent(value) if isinstance(value, float) else str(value)
