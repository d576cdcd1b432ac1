"""From source records to rows: each step of understanding, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tst.benchmarks.column_names import column_marks
from tst.benchmarks.files.limits import list_names
from tst.benchmarks.files.records import Source
from tst.benchmarks.options import read_options
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.answers import read_gold
from tst.benchmarks.understanding.columns import Columns, resolve_columns
from tst.benchmarks.understanding.formats import name_formats
from tst.benchmarks.understanding.group_parts import read_group
from tst.benchmarks.understanding.ids import name_rows
from tst.benchmarks.understanding.number_gold import decide_decimal, read_numbers, warn_of_thousands
from tst.benchmarks.understanding.numbers import parse_number_cell
from tst.benchmarks.understanding.open_answers import read_accepted, read_aliases, with_aliases
from tst.benchmarks.understanding.question_options import (
    drop_absent_options,
    find_options,
    strip_all_letters,
)
from tst.benchmarks.understanding.row import COLUMN, JOINED, READER, Row
from tst.benchmarks.understanding.separators import NAMES, guess_separator
from tst.benchmarks.understanding.wrong_options import join_options
from tst.benchmarks.values import is_absent, look_up, plain_text, sheet_error
from tst.core.errors import UserError, brief
from tst.core.questions import GROUP_PREFIX, find_problem

Record = Mapping[str, Any]
Given = dict[str, Any]
"""Fields that a reader gives for one question."""


@dataclass
class ReadRows:
    """All rows of a source, and how they were read."""

    rows: list[Row]
    columns: Columns
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read_rows(
    settings: BenchmarkSettings, source: Source, reader: Callable[[Any], Any] | None = None
) -> ReadRows:
    """Every record as a row; those that are no question have a ``problem``.

    Raises UserError for columns that the source does not have, for columns, gold answers and
    decimal signs that can be read in more than one way, and for an id column that is none.
    """
    records = source.records
    given = None if reader is None else [read_given(reader, record) for record in records]
    if given and all("problem" in row for rows in given for row in rows):
        problem = next((row["problem"] for rows in given for row in rows), "it gave no rows")
        raise UserError(
            f"benchmark {settings.name}: benchmark.reader={settings.reader} can read none of the "
            f"{len(records)} records; the first: {problem}."
        )
    by_reader = {key for rows in given or [] for row in rows for key in row}
    columns = resolve_columns(settings, records, by_reader)
    separator = settings.options_separator or _find_separator(columns, records)
    rows = _raw_rows(columns, records, given, separator, settings.name)
    found = ReadRows(rows, columns)
    if separator != settings.options_separator:
        found.notes.append(f"Options are parted by {NAMES[str(separator)]}.")
    if columns.wrong:
        found.notes.append(
            f"Options are the answer and those of {', '.join(columns.wrong)}, in an order drawn "
            "from their texts."
        )
    strip_all_letters(rows)
    dropped = drop_absent_options(rows, settings.answer_as)
    if dropped:
        words = ", ".join(f"{word!r} ({count} times)" for word, count in dropped.items())
        found.warnings.append(f"Options that say {words} are read as no option.")
    find_options(rows, settings.options, settings.answer_as, settings.format)
    numeric = name_formats(rows, settings.format)
    parsed = [parse_number_cell(row.answer) for row in numeric]
    numbers = [(r.record, n) for r, n in zip(numeric, parsed, strict=True) if n is not None]
    decimal = decide_decimal(settings.name, numbers, settings.decimal)
    if decimal == ",":
        found.notes.append("Numbers have a decimal comma.")
    elif settings.decimal is None:
        found.warnings += warn_of_thousands(numbers)
    read_numbers(numeric, parsed, decimal)
    read_gold([r for r in rows if r.format == "mc" and r.options and not r.problem],
              settings.answer_as)  # fmt: skip
    for row in rows:
        if row.format == "open":
            row.answer = with_aliases(read_accepted(row.answer), row.aliases)
            row.form = "several texts" if len(row.answer) > 1 else "text"
        if row.format != "mc":
            row.options = None
    if columns.aliases and any(row.format == "open" for row in rows):
        found.notes.append(f"Open questions accept what {' and '.join(columns.aliases)} says, too.")
    found.notes += name_rows(rows, settings, columns, source)
    _merge_rare_types(rows, settings.merge_types_under)
    return found


def read_given(reader: Callable[[Any], Any], record: Record) -> list[Given]:
    """What the reader makes of a record; its failure is this row's problem."""
    try:
        rows = reader(record)
        return [dict(rows)] if isinstance(rows, Mapping) else [dict(r) for r in rows]
    except KeyError as error:
        return [{"problem": f"no column {error}; it has {list_names(list(record))}"}]
    except Exception as error:
        return [{"problem": f"the reader failed: {type(error).__name__}: {error!s:.200}"}]


def _raw_rows(
    columns: Columns,
    records: Sequence[Record],
    given: list[list[Given]] | None,
    separator: str | None,
    default_type: str,
) -> list[Row]:
    """Rows of raw cells, the reader's before the columns', with their options read."""
    named = columns.fields.get("options")
    marks = column_marks(named) if isinstance(named, list) else None
    has_types = "question_type" in columns.fields
    rows = []
    for index, record in enumerate(records):
        for fields in [{}] if given is None else given[index]:
            row = _raw_row(columns, index, record, fields)
            by_reader = "options" in fields
            cell = fields["options"] if by_reader else _cell(columns, "options", record)
            _read_row_options(row, cell, separator, None if by_reader else marks)
            if by_reader and row.options:
                row.options_from = READER
            if columns.wrong:
                _join_row_options(row, record, columns.wrong)
            if not row.question_type and not has_types:
                row.question_type = default_type
            rows.append(row)
    return rows


def _find_separator(columns: Columns, records: Sequence[Record]) -> str | None:
    options, answer = columns.fields.get("options"), columns.fields.get("answer")
    if not isinstance(options, str) or isinstance(answer, list):
        return None
    return guess_separator(records, options, answer)


def _cell(columns: Columns, field_name: str, record: Record) -> Any:
    column = columns.fields.get(field_name)
    if isinstance(column, list):
        return [look_up(record, c) for c in column]
    return None if column is None else look_up(record, column)


def _raw_row(columns: Columns, index: int, record: Record, given: Given) -> Row:
    cells = {
        name: given[name] if name in given else _cell(columns, name, record)
        for name in ("id", "question", "question_type", "format", "answer")
    }
    problem = str(given.get("problem") or "")
    for key, cell in cells.items():
        if is_absent(cell):
            cells[key] = None
        elif error := sheet_error(cell):
            problem = problem or f"the {key} is the spreadsheet error {error}"
    for key in ("question", "question_type"):
        if isinstance(cells[key], Mapping | list | tuple):
            problem = problem or f"the {key} is not text but {brief(cells[key])}"
    groups: dict[str, str] = {}
    for name, column in columns.groups.items():
        pattern = columns.patterns.get(name)
        group = read_group(look_up(record, column), pattern)
        if group is None and pattern is not None:
            text = brief(plain_text(look_up(record, column)))
            problem = problem or f"the group {name}: {pattern.pattern} is not in {text}"
        groups[name] = group or ""
    groups |= {
        key.removeprefix(GROUP_PREFIX): plain_text(value)
        for key, value in given.items()
        if key.startswith(GROUP_PREFIX)
    }
    metadata = {n: plain_text(look_up(record, c)) for n, c in columns.metadata.items()}
    return Row(
        record=index,
        id=cells["id"],
        question=plain_text(cells["question"]),
        question_type=" ".join(plain_text(cells["question_type"]).split()),
        format=cells["format"],
        options=None,
        labels=None,
        right=None,
        answer=cells["answer"],
        groups=groups,
        metadata=given.get("metadata", metadata),
        context={n: plain_text(look_up(record, c)) for n, c in columns.context.items()},
        problem=problem,
        aliases=[text for c in columns.aliases for text in read_aliases(look_up(record, c))],
    )


def _read_row_options(
    row: Row, cell: Any, separator: str | None, marks: Sequence[str] | None
) -> None:
    try:
        read = read_options(cell, separator)
    except (ValueError, TypeError) as error:
        row.problem = row.problem or str(error)
        return
    if read is None:
        return
    row.options, row.labels, row.right, row.options_from = (
        read.texts, read.labels, read.right, COLUMN,
    )  # fmt: skip
    if marks is not None and row.labels is None:
        row.labels = list(marks[: len(read.texts)])


def _join_row_options(row: Row, record: Record, wrong: Sequence[str]) -> None:
    try:
        joined = join_options(record, row.question, row.answer, wrong)
    except ValueError as error:
        row.problem = row.problem or str(error)
        return
    if joined is not None:
        row.options, row.right, row.options_from = joined.texts, joined.right, JOINED


def _merge_rare_types(rows: list[Row], least: int) -> None:
    """Call types with fewer than ``least`` usable questions ``Other``."""
    if least < 1:
        return
    usable = [row for row in rows if not row.problem and not find_problem(row.fields())]
    sizes = Counter(row.question_type for row in usable)
    for row in rows:
        if sizes[row.question_type] < least:
            row.question_type = "Other"
