"""Which column of a source holds what: named by the settings, else known by its name alone.

The names are those of ``column_names``; what a column holds only confirms or rules out. Where two
columns could be meant and say different things, nothing is guessed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tst.benchmarks.column_names import (
    PLAIN,
    PLAIN_ALIASES,
    PLAIN_GROUPS,
    PLAIN_MEDIA,
    find_option_columns,
    plain_name,
)
from tst.benchmarks.files.limits import list_names
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.answer_files import find_answer_file
from tst.benchmarks.understanding.candidates import Candidates
from tst.benchmarks.understanding.group_parts import column_of, read_patterns
from tst.benchmarks.understanding.wrong_options import is_wrong_option
from tst.benchmarks.values import look_up
from tst.core.errors import UserError

FIELDS = ("id", "question", "question_type", "options", "answer", "format")
SAMPLE = 1000


@dataclass
class Columns:
    """The columns of one source, resolved.

    fields: field to its column, or to a list of columns that hold one option each
    groups, metadata, context: name to column
    patterns: group to the part of its column's cells that names it, where not all of a cell does
    guessed: the fields, and ``group <name>``, that the settings do not name
    wrong: columns that hold wrong options alone, where no others hold options
    aliases: columns of further texts that open questions accept
    shared: columns that say of which source a row is (an image), declared as a group or not
    ignored: columns that hold nothing that is used
    notes: what else was decided, in whole sentences
    advice: what should be named besides, in whole sentences
    """

    fields: dict[str, str | list[str]] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)
    guessed: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def named_columns(settings: BenchmarkSettings) -> dict[str, str]:
    """The columns that the settings name, by their place in ``benchmark.columns``."""
    columns = settings.columns
    named: dict[str, str] = {}
    for key in FIELDS:
        wanted = getattr(columns, key)
        if isinstance(wanted, list | tuple):
            named |= {f"{key}.{i}": str(column) for i, column in enumerate(wanted)}
        elif wanted is not None:
            named[key] = str(wanted)
    several = {"groups": columns.groups, "metadata": columns.metadata, "context": columns.context}
    for key, wanted in several.items():
        if isinstance(wanted, str):
            wanted = [wanted] if wanted else []
        if not isinstance(wanted, Mapping):
            wanted = {str(column): column for column in wanted or []}
        for name, column in wanted.items():
            column = column_of(str(column)) if key == "groups" else str(column)
            named[f"{key}.{name}"] = column
    return {key: column for key, column in named.items() if column}


def choose_columns(settings: BenchmarkSettings, names: Sequence[str]) -> list[str]:
    """Which of a source's columns must be read; all of them where a reader may want any.

    Those that the settings name, and those whose names may mean something.
    """
    tops = {_find_name(column, names) or column.partition(".")[0]
            for column in named_columns(settings).values()}  # fmt: skip
    if settings.answers.key:
        tops.add(settings.answers.key)
    if settings.reader is not None or not tops <= set(names):
        return list(names)
    listed = list(names)
    families = {column for family in find_option_columns(listed) for column in family}
    known = {
        name
        for name in listed
        if any(plain_name(name) in ranks for ranks in PLAIN.values())
        or name in families
        or plain_name(name) in PLAIN_GROUPS
        or plain_name(name) in PLAIN_MEDIA
        or plain_name(name) in PLAIN_ALIASES
        or is_wrong_option(name)
    }
    needed = {"question": settings.columns.question, "answer": settings.columns.answer}
    for role, said in needed.items():
        if not said and not any(plain_name(name) in PLAIN[role] for name in listed):
            return listed
    return [name for name in listed if name in tops or name in known]


def _find_name(wanted: str, names: Sequence[str]) -> str | None:
    """The column that is meant by a name: itself, else the only one that is like it."""
    if wanted in names:
        return wanted
    like = [name for name in names if plain_name(name) == plain_name(wanted)]
    return like[0] if len(like) == 1 and plain_name(wanted) else None


def resolve_columns(
    settings: BenchmarkSettings,
    records: Sequence[Mapping[str, Any]],
    by_reader: set[str],
) -> Columns:
    """Which column holds what in these records.

    by_reader: the fields that ``benchmark.reader`` gives
    Raises one UserError that names every missing column with its nearest match, and every field for
    which two columns may be meant.
    """
    names = list(dict.fromkeys(str(key) for record in records for key in record))
    found = Columns(patterns=read_patterns(settings.columns.groups))
    problems: list[str] = []
    mends: list[str] = []
    named = named_columns(settings)
    for place, column in named.items():
        name = _find_name(column, names)
        if name is None and not any(look_up(r, column) is not None for r in records[:SAMPLE]):
            near = difflib.get_close_matches(column, names[:1000], n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            problems.append(f"benchmark.columns.{place}={column}: no such column{hint}")
        named[place] = name or column
    _take_named(found, named)
    candidates = Candidates(settings, records, names)
    for key in ("question", "options", "answer", "id", "format", "question_type"):
        if key in by_reader or key in found.fields or getattr(settings.columns, key) is not None:
            continue
        try:
            guess = candidates.guess(key, found.fields, by_reader)
        except UserError as error:
            problems.append(str(error))
            mends += error.settings
            continue
        if guess is not None:
            found.fields[key] = guess
            found.guessed.add(key)
        elif key in ("question", "answer") and not candidates.has_own_gold(key, found.fields):
            problem, mend = _unset(key, candidates, settings, names)
            problems.append(problem)
            mends += mend
    if problems:
        raise UserError(
            f"benchmark {settings.name}: the columns do not fit the source:\n"
            + "\n".join(f"  {p}" for p in problems)
            + f"\nIts columns are: {list_names(names)}",
            mends if len(mends) >= len(problems) else (),
        )
    _guess_groups(found, settings, candidates, by_reader)
    found.notes += candidates.notes
    used = {c for f in found.fields.values() for c in ([f] if isinstance(f, str) else f)}
    used |= {*found.groups.values(), *found.metadata.values(), *found.context.values()}
    if "answer" in found.fields and "answer" not in by_reader:
        found.aliases = [n for n in names if plain_name(n) in PLAIN_ALIASES and n not in used]
        used |= set(found.aliases)
    answered = isinstance(found.fields.get("answer"), str)
    if (
        answered
        and "options" not in {*found.fields, *by_reader}
        and settings.columns.options is None
    ):
        found.wrong = [n for n in names if is_wrong_option(n) and n not in used]
        used |= set(found.wrong)
    tops = used | {column.partition(".")[0] for column in used}
    found.ignored = [name for name in names if name not in tops]
    if settings.columns.groups is None and not found.groups and not by_reader:
        found.advice = candidates.advise_group(found.ignored)
    return found


def _take_named(found: Columns, named: Mapping[str, str]) -> None:
    for place, column in named.items():
        kind, _, name = place.partition(".")
        if kind == "groups":
            found.groups[name] = column
        elif kind == "metadata":
            found.metadata[name] = column
        elif kind == "context":
            found.context[name] = column
        elif name:
            several = found.fields.setdefault(kind, [])
            assert isinstance(several, list)
            several.append(column)
        else:
            found.fields[kind] = column


def _unset(
    key: str, candidates: Candidates, settings: BenchmarkSettings, names: Sequence[str]
) -> tuple[str, list[str]]:
    """What is wrong where nothing is known to be the question or the answer, and what mends it."""
    empty = candidates.empty(key)
    if empty is not None:
        problem = f"the column {empty} is empty in every row"
    else:
        problem = f"benchmark.columns.{key} is not set"
    near = candidates.similar(key)
    hint = f" (is it {near!r}?)" if near else ""
    mends = [f"benchmark.columns.{key}={near}"] if near else []
    if key == "answer" and settings.answers.path is None:
        apart = find_answer_file(settings.path, names)
        hint += "; answers in a file of their own: benchmark.answers.path=FILE"
        if apart is not None:
            hint += f" ({apart[0]} has some, by {apart[1]})"
            mends = [f"benchmark.answers.path={apart[0]}", f"benchmark.answers.key={apart[1]}"]
    return f"{problem}: name the column of the {key}{hint}", mends


def _guess_groups(
    found: Columns, settings: BenchmarkSettings, candidates: Candidates, by_reader: set[str]
) -> None:
    """Groups by name, the coarsest first, where the settings and the reader say nothing of any."""
    shared = candidates.find_groups()
    found.shared = list(dict.fromkeys([*found.groups.values(), *candidates.find_sources()]))
    given = any(key.startswith("group_") for key in by_reader)
    if settings.columns.groups is not None or given:
        return
    for name, column in shared:
        found.groups.setdefault(name, column)
        found.guessed.add(f"group {name}")
