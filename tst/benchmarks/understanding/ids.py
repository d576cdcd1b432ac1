"""Names of questions: their own, or a hash of their content."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence

from tst.benchmarks.files.records import Source
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.columns import Columns
from tst.benchmarks.understanding.row import Row
from tst.benchmarks.values import is_blank, plain_text
from tst.core.errors import UserError, brief

# an id column that nobody named and that repeats in more rows than this is no id
MOST_REPEATS = 1 / 3


def name_rows(
    rows: Sequence[Row], settings: BenchmarkSettings, columns: Columns, source: Source
) -> list[str]:
    """Texts for ids; rows without one are named by a hash of their content, in any row order.

    Returns what is to be told, in whole sentences. Raises UserError for a named id column that
    repeats, and for one that is only guessed and repeats in over a third of the rows.
    """
    notes = []
    for row in rows:
        row.id = "" if is_blank(row.id) else plain_text(row.id)
    if _repeat(rows):
        stems = source.stems()
        by_file = [stems[source.file_index(row.record)] for row in rows]
        if len(source.files) > 1 and _put_in_front(rows, by_file):
            notes.append("Ids repeat from file to file: they have the file's name in front.")
        elif any(file.inner is not None for file in source.files):
            by_record = [str(source.number(row.record)) for row in rows]
            if _put_in_front(rows, by_record):
                notes.append("Ids repeat from record to record: its number stands in front.")
    _check_repeats(rows, settings, columns, source)
    seen: Counter[str] = Counter()
    for row in rows:
        if not row.id:
            name = _content_hash(row)
            seen[name] += 1
            row.id = name if seen[name] == 1 else f"{name}-{seen[name]}"
        for name, value in row.groups.items():
            # a row without a group shares nothing with the other rows without one
            if not value:
                row.groups[name] = f"only {row.id}"
    return notes


def _content_hash(row: Row) -> str:
    fields = {key: cell for key, cell in row.fields().items() if key not in ("id", "problem")}
    content = json.dumps(fields, sort_keys=True, default=str)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _repeat(rows: Sequence[Row]) -> list[Row]:
    """The rows whose id an earlier row has."""
    seen: set[str] = set()
    repeats = []
    for row in rows:
        if row.id and row.id in seen:
            repeats.append(row)
        seen.add(row.id)
    return repeats


def _put_in_front(rows: Sequence[Row], prefixes: Sequence[str]) -> bool:
    """Put these before the ids, where that makes them unique."""
    names = [f"{p}/{row.id}" if row.id else "" for p, row in zip(prefixes, rows, strict=True)]
    given = [name for name in names if name]
    if len(set(given)) < len(given):
        return False
    for row, name in zip(rows, names, strict=True):
        row.id = name
    return True


def _check_repeats(
    rows: Sequence[Row], settings: BenchmarkSettings, columns: Columns, source: Source
) -> None:
    column = columns.fields.get("id")
    repeats = _repeat(rows)
    if not isinstance(column, str) or not repeats:
        return
    named = "id" not in columns.guessed
    if not named and len(repeats) <= MOST_REPEATS * len(rows):
        return
    first = repeats[0]
    groups = len({row.id for row in rows})
    raise UserError(
        f"benchmark {settings.name}: the id column {column} repeats in {len(repeats)} of "
        f"{len(rows)} rows (e.g. {brief(first.id)} again in {source.place(first.record)}), so it "
        "does not name questions.\n"
        f"Use benchmark.columns.id= (nothing behind it: questions are named by a hash of their "
        f"content), or name another column. If its {groups} values say what questions share (an "
        f"image, a video), add 'benchmark.columns.groups={{shared: {column}}}'.",
        ["benchmark.columns.id="],
    )
