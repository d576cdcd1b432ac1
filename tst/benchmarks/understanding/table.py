"""The last step: rows as a checked question table, and what was understood of them."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from tst.benchmarks.files.records import Source
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.columns import Columns
from tst.benchmarks.understanding.copies import find_copies
from tst.benchmarks.understanding.findings import alike_in_text, find_warnings, places
from tst.benchmarks.understanding.group_parts import MARK
from tst.benchmarks.understanding.row import Row
from tst.benchmarks.understanding.rows import ReadRows, read_rows
from tst.core.errors import UserError
from tst.core.questions import ANSWER_UNIT, COPIES, LeftOut, QuestionTable, build_table
from tst.core.understanding import LeftOutReason, TypeReading, Understanding

MOST_LEFT_OUT = 1 / 3
MOST_REASONS = 12
EXAMPLES = 3


def build_understood(
    settings: BenchmarkSettings, source: Source, reader: Callable[[Any], Any] | None
) -> QuestionTable:
    """The question table of a source. Raises UserError where over a third is not understood."""
    read = read_rows(settings, source, reader)
    rows = read.rows

    def check(left_out: list[LeftOut], count: int) -> None:
        if len(left_out) > MOST_LEFT_OUT * count:
            raise UserError(_too_little(settings, source, rows, left_out))

    table = build_table(
        settings.name,
        (row.fields() for row in rows),
        strict=settings.strict,
        source=source.address,
        revision=source.revision,
        place=lambda position: _place(source, rows[position]),
        check=check,
    )
    out = {left.position for left in table.left_out}
    kept = [row for position, row in enumerate(rows) if position not in out]
    copies = find_copies(kept, source.records, read.columns.shared)
    if copies:
        table.frame[COPIES] = [copies.get(i, "") for i in range(len(kept))]
    if any(row.unit for row in kept):
        table.frame[ANSWER_UNIT] = [row.unit for row in kept]
    table.understanding = _describe(settings, source, read, kept, copies, table.left_out)
    return table


def _too_little(
    settings: BenchmarkSettings, source: Source, rows: Sequence[Row], left_out: Sequence[LeftOut]
) -> str:
    reasons = count_reasons(left_out, rows, source)
    listed = "\n".join(
        f"  {r.n} {'row' if r.n == 1 else 'rows'}: {r.reason} ({r.places})" for r in reasons
    )
    return (
        f"benchmark {settings.name}: {len(left_out)} of the {len(rows)} rows of {source.address} "
        f"are not understood; more than a third, so nothing is run:\n{listed}\n"
        "Mend them, or say how they read: benchmark.columns.* names columns, benchmark.options, "
        "benchmark.answer_as, benchmark.format and benchmark.decimal say what stands in them."
    )


def _place(source: Source, row: Row) -> tuple[int, str]:
    return source.number(row.record), source.place(row.record)


def _describe(
    settings: BenchmarkSettings,
    source: Source,
    read: ReadRows,
    kept: Sequence[Row],
    copies: dict[int, str],
    left_out: Sequence[LeftOut],
) -> Understanding:
    columns = read.columns
    said = {
        name: column if isinstance(column, str) else ", ".join(column)
        for name, column in columns.fields.items()
    }
    for name, column in columns.groups.items():
        pattern = columns.patterns.get(name)
        said[f"group {name}"] = f"{column}{MARK}{pattern.pattern}" if pattern else column
    if columns.metadata:
        said["metadata"] = ", ".join(columns.metadata.values())
    if columns.context:
        said["context"] = ", ".join(columns.context.values())
    same_text = sum(map(len, alike_in_text(kept)))
    return Understanding(
        source=source.address,
        rows=len(read.rows),
        questions=len(kept),
        columns=said,
        guessed=[name for name in said if name in columns.guessed],
        ignored=columns.ignored if settings.reader is None else [],
        types=_describe_types(kept),
        left_out=count_reasons(left_out, read.rows, source),
        notes=[*source.notes, *columns.notes, *read.notes, *_count_groups(kept, columns)],
        warnings=[
            *read.warnings,
            *columns.advice,
            *find_warnings(kept, columns, source, copies),
        ],
        copies=(len(copies), len(set(copies.values()))),
        same_text=same_text,
    )


def _count_groups(kept: Sequence[Row], columns: Columns) -> list[str]:
    """How many groups there are, and how large, of each kind."""
    notes = []
    for name in columns.groups if kept else ():
        sizes = Counter(row.groups[name] for row in kept).values()
        least, most = min(sizes), max(sizes)
        of = f"{least}" if least == most else f"{least} to {most}"
        notes.append(f"Groups by {name}: {len(sizes):,}, of {of} questions.")
    return notes


def count_reasons(
    left_out: Sequence[LeftOut], rows: Sequence[Row], source: Source
) -> list[LeftOutReason]:
    """The reasons by how many rows they leave out; what is quoted in them is of the first row."""
    alike: dict[str, list[LeftOut]] = defaultdict(list)
    for left in left_out:
        alike[re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "_", left.reason)].append(left)
    ranked = sorted(alike.values(), key=len, reverse=True)
    reasons = [
        LeftOutReason(
            same[0].reason, len(same), places(source, [rows[left.position] for left in same])
        )
        for same in ranked[:MOST_REASONS]
    ]
    rest = [left for same in ranked[MOST_REASONS:] for left in same]
    if rest:
        where = places(source, [rows[left.position] for left in rest])
        reasons.append(LeftOutReason("other reasons", len(rest), where))
    return reasons


def _describe_types(kept: Sequence[Row]) -> list[TypeReading]:
    types: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in kept:
        types[row.question_type, row.format].append(row)
    return [_describe_type(name, kind, rows) for (name, kind), rows in types.items()]


def _describe_type(name: str, kind: str, rows: Sequence[Row]) -> TypeReading:
    sizes = sorted({len(row.options) for row in rows if row.options})
    origins = list(dict.fromkeys(row.options_from for row in rows if row.options_from))
    units = {row.unit for row in rows if row.unit}
    return TypeReading(
        question_type=name,
        format=kind,
        n=len(rows),
        options=f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else str(*sizes),
        options_from=", ".join(origins) if kind == "mc" else "",
        answers=dict(Counter(row.form for row in rows if row.form).most_common()),
        unit=", ".join(sorted(units)),
        examples=[_example(row) for row in rows[:EXAMPLES]],
    )


def _example(row: Row) -> tuple[str, list[str], str]:
    if row.format == "mc":
        assert row.options is not None
        return row.question, row.options, row.options[row.answer]
    if row.format == "num":
        return row.question, [], f"{row.answer:.12g} {row.unit}".strip()
    return row.question, [], json.dumps(row.answer, ensure_ascii=False)
