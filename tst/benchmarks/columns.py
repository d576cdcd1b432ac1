"""Which column of a source holds what."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tst.benchmarks.limits import list_names
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.values import look_up
from tst.core.errors import UserError

# a column of this name is taken without being named
PLAIN_FIELDS = ("id", "question", "question_type", "options", "answer")


@dataclass
class Mapped:
    """The columns of one source, resolved: field or group or metadata name to column(s)."""

    fields: dict[str, Any]
    groups: dict[str, str]
    metadata: dict[str, str]


def named_columns(settings: BenchmarkSettings) -> dict[str, str]:
    """The columns that the settings name, by their place in ``benchmark.columns``."""
    columns = settings.columns
    named: dict[str, str] = {}
    for key in (*PLAIN_FIELDS, "format"):
        wanted = getattr(columns, key)
        if isinstance(wanted, str):
            named[key] = wanted
        else:
            named |= {f"{key}.{i}": str(column) for i, column in enumerate(wanted or [])}
    for key, wanted in (("groups", columns.groups), ("metadata", columns.metadata)):
        if isinstance(wanted, str):
            wanted = [wanted]
        if not isinstance(wanted, Mapping):
            wanted = {column: column for column in wanted or []}
        named |= {f"{key}.{name}": str(column) for name, column in wanted.items()}
    return {key: column for key, column in named.items() if column}


def choose_columns(settings: BenchmarkSettings, names: Sequence[str]) -> list[str]:
    """Which of a source's columns must be read; all of them where a reader may want any."""
    tops = {
        column if column in names else column.partition(".")[0]
        for column in named_columns(settings).values()
    }
    if settings.reader is not None or not tops <= set(names):
        return list(names)
    return [name for name in names if name in tops or name in PLAIN_FIELDS]


def map_columns(
    settings: BenchmarkSettings, records: Sequence[Mapping[str, Any]], by_reader: set[str]
) -> Mapped:
    """Resolve ``benchmark.columns`` against the columns that there are.

    Raises one UserError that names every missing column with its nearest match.
    """
    names = list(dict.fromkeys(str(key) for record in records for key in record))
    named = named_columns(settings)
    problems: list[str] = []
    for key, column in named.items():
        if column in names or any(look_up(r, column) is not None for r in records[:1000]):
            continue
        near = difflib.get_close_matches(column, names[:1000], n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        problems.append(f"benchmark.columns.{key}={column}: no such column{hint}")
    mapped = Mapped({}, {}, {})
    for key in PLAIN_FIELDS:
        several = [column for place, column in named.items() if place.startswith(f"{key}.")]
        unset = getattr(settings.columns, key) is None
        if key in named or several:
            mapped.fields[key] = several or named[key]
        elif unset and key in names and key not in by_reader:
            mapped.fields[key] = key
        elif key in ("question", "answer") and key not in by_reader:
            problems.append(f"benchmark.columns.{key} is not set: name the column of the {key}")
    if "format" in named:
        mapped.fields["format"] = named["format"]
    for place, column in named.items():
        kind, _, name = place.partition(".")
        if kind == "groups":
            mapped.groups[name] = column
        elif kind == "metadata":
            mapped.metadata[name] = column
    if problems:
        raise UserError(
            f"benchmark {settings.name}: the columns do not fit the source:\n"
            + "\n".join(f"  {p}" for p in problems)
            + f"\nIts columns are: {list_names(names)}"
        )
    return mapped
