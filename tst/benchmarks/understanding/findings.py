"""Likely mistakes in a table, to be shown before anything is trained."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from tst.benchmarks.files.records import PLURALS, Source
from tst.benchmarks.understanding.column_cells import group_key
from tst.benchmarks.understanding.columns import Columns
from tst.benchmarks.understanding.number_gold import has_leading_zero
from tst.benchmarks.understanding.numbers import parse_number_cell
from tst.benchmarks.understanding.row import Row
from tst.benchmarks.understanding.without_options import NUMBER_SHARE, is_letter
from tst.benchmarks.values import look_up, plain_text

MOST_SHOWN = 5
LOPSIDED_SHARE = 0.9
MIN_LOPSIDED = 10
MIN_TWO_VALUED = 4

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE = re.compile(
    rf"\d{{4}}-\d\d-\d\d 00:00:00|\d{{1,2}}-{_MONTH}(?:-\d\d(?:\d\d)?)?|{_MONTH}-\d\d",
    re.IGNORECASE,
)


def places(source: Source, rows: Iterable[Row]) -> str:
    """Where rows stand, as an editor shows it: ``lines 3, 8, 9 and 12 more``."""
    records = [row.record for row in rows]
    shown = records[:MOST_SHOWN]
    more = f" and {len(records) - len(shown)} more" if len(records) > len(shown) else ""
    if len(source.files) > 1:
        return ", ".join(source.place(record) for record in shown) + more
    word = source.files[0].counted if len(records) == 1 else PLURALS[source.files[0].counted]
    return f"{word} {', '.join(str(source.number(record)) for record in shown)}{more}"


def find_warnings(
    rows: Sequence[Row], columns: Columns, source: Source, copies: Mapping[int, str]
) -> list[str]:
    """Every warning about these questions, the ones that are kept, in whole sentences."""
    records = source.records
    column = columns.fields.get("answer")

    def gold(row: Row) -> Any:
        return look_up(records[row.record], column) if isinstance(column, str) else None

    def where(found: Sequence[Row]) -> str:
        return places(source, found)

    warnings = [
        *_letters_without_options(rows, gold, where),
        *_numbers_among_texts(rows, gold, where),
        *_two_values(rows),
        *_dates(rows, gold, where),
        *_leading_zeros(rows, gold, where),
        *_one_answer(rows),
    ]
    repeats = find_repeats(rows, records, columns.shared, copies)
    if repeats:
        several = [row for same in repeats for row in same]
        grouped = {c for name, c in columns.groups.items() if name not in columns.patterns}
        apart = [column for column in columns.shared if column not in grouped]
        sources = list(dict.fromkeys([*rows[0].groups, *apart]))
        same = f"the same text, options and {', '.join(sources)}"
        if not sources:
            same = "the same text and options, and no column says whether their pictures differ"
        warnings.append(
            f"{len(several)} questions occur more than once (for example {where(repeats[0])}): "
            f"{same}. Folds may separate them: remove the repeats, or name what they share with "
            "benchmark.columns.groups."
        )
    return warnings


Gold = Callable[[Row], Any]
Where = Callable[[Sequence[Row]], str]


def _letters_without_options(rows: Sequence[Row], gold: Gold, where: Where) -> list[str]:
    letters = [r for r in rows if r.format == "open" and r.by_gold and is_letter(gold(r))]
    if not letters:
        return []
    return [
        f"{len(letters)} gold answers are single letters, but these questions have no options "
        f"({where(letters)}): they are read as open. Name the options with "
        "benchmark.columns.options, or check that the question's text holds them."
    ]


def _numbers_among_texts(rows: Sequence[Row], gold: Gold, where: Where) -> list[str]:
    warnings = []
    for name, same_type in _by_type(rows, "open").items():
        guessed = [row for row in same_type if row.by_gold]
        numbers = [row for row in guessed if parse_number_cell(gold(row)) is not None]
        if numbers and len(numbers) >= (1 - NUMBER_SHARE) * len(guessed):
            warnings.append(
                f"type {name}: {len(numbers)} of {len(guessed)} gold answers are numbers, the "
                f"others texts ({where(numbers)}): all are read as texts. Part them with a column "
                "of formats (benchmark.columns.format) or types."
            )
    return warnings


def _two_values(rows: Sequence[Row]) -> list[str]:
    warnings = []
    for name, same_type in _by_type(rows, "num").items():
        values = sorted({row.answer for row in same_type})
        if len(values) == 2 and len(same_type) >= MIN_TWO_VALUED:
            first, second = (f"{value:g}" for value in values)
            fix = "[no,yes]" if (first, second) == ("0", "1") else f"[{first},{second}]"
            warnings.append(
                f"type {name}: all {len(same_type)} gold numbers are {first} or {second}: they are "
                f"scored as numbers. If they stand for two answers, set "
                f"'benchmark.options={fix}'."
            )
    return warnings


def _dates(rows: Sequence[Row], gold: Gold, where: Where) -> list[str]:
    dated = [
        row for row in rows
        if any(_DATE.fullmatch(option) for option in row.options or [])
        or _DATE.fullmatch(plain_text(gold(row)))
    ]  # fmt: skip
    if not dated:
        return []
    return [
        f"Options or answers of {len(dated)} questions are dates ({where(dated)}): a spreadsheet "
        "makes them of texts like 1-2 or 3/4. Format the columns as text and enter them again."
    ]


def _leading_zeros(rows: Sequence[Row], gold: Gold, where: Where) -> list[str]:
    coded = [row for row in rows if row.format == "num" and has_leading_zero(gold(row))]
    if not coded:
        return []
    first = plain_text(gold(coded[0]))
    return [
        f"{len(coded)} gold numbers begin with zeros ({where(coded)}): {first} is read as "
        f"{coded[0].answer:g}. If they are codes, set benchmark.format=open."
    ]


def _one_answer(rows: Sequence[Row]) -> list[str]:
    warnings = []
    for kind in ("mc", "num", "open"):
        for name, same_type in _by_type(rows, kind).items():
            if len(same_type) < MIN_LOPSIDED:
                continue
            for what, said in _ANSWERS[kind].items():
                answer, count = Counter(map(said, same_type)).most_common(1)[0]
                if count >= LOPSIDED_SHARE * len(same_type):
                    warnings.append(
                        f"type {name}: {what} is {answer} in {count} of {len(same_type)} {kind} "
                        "questions."
                    )
                    break
    return warnings


_ANSWERS: dict[str, dict[str, Callable[[Row], Any]]] = {
    "mc": {
        "the gold text": lambda row: repr((row.options or [])[row.answer])[:60],
        "the gold's place among the options": lambda row: row.answer + 1,
    },
    "num": {"the gold": lambda row: f"{row.answer:g}"},
    "open": {"the gold": lambda row: repr(row.answer[0])[:60]},
}


def _by_type(rows: Sequence[Row], kind: str) -> dict[str, list[Row]]:
    types: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.format == kind:
            types[row.question_type].append(row)
    return types


def find_repeats(
    rows: Sequence[Row],
    records: Sequence[Mapping[str, Any]],
    shared: Sequence[str],
    copies: Mapping[int, str],
) -> list[list[Row]]:
    """Sets of questions that are alike in text, options, groups and ``shared`` columns."""
    alike = alike_in_text(rows)
    repeats: list[list[Row]] = []
    for members in alike:
        by_source: dict[Hashable, list[Row]] = defaultdict(list)
        for position in members:
            if position not in copies:
                row = rows[position]
                record = records[row.record]
                sign = tuple(group_key(look_up(record, column)) for column in shared)
                by_source[sign, tuple(row.groups.values())].append(row)
        repeats += [same for same in by_source.values() if len(same) > 1]
    return repeats


def alike_in_text(rows: Sequence[Row]) -> list[list[int]]:
    """Sets of positions whose questions have the same text and options, in any order."""
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        alike[row.question, hash(tuple(sorted(row.options or ())))].append(position)
    return [members for members in alike.values() if len(members) > 1]
