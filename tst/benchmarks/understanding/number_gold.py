"""Gold of numeric questions: the column's decimal sign, numbers, and one unit per type."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from tst.benchmarks.understanding.numbers import COMMA, POINT, SIGNS, Number
from tst.benchmarks.understanding.row import Row
from tst.core.errors import UserError

_CLEAR = {
    # 12.5, 0.125, 1,234.5, 1,234,567
    POINT: re.compile(
        r"\d*\.\d{1,2}|\d*\.\d{4,}|0*\.\d+|\d{4,}\.\d+|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}"
    ),
    COMMA: re.compile(
        r"\d*,\d{1,2}|\d*,\d{4,}|0*,\d+|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}"
    ),
}
_UNCLEAR = re.compile(r"\d{1,3},\d{3}")
_POINT_BEFORE_THREE = re.compile(r"[1-9]\d{0,2}\.\d{3}")


def decide_decimal(name: str, cells: Iterable[tuple[int, Number]], said: str | None) -> str:
    """The decimal sign of a column, from all of its numbers; ``said`` where that is set.

    cells: (row, number) pairs; the rows are for the message
    Raises UserError where ``1,234`` may be either and no other number tells, and where the numbers
    contradict each other.
    """
    if said is not None:
        if said not in SIGNS:
            raise UserError(f"benchmark.decimal={said}: expected point or comma.")
        return SIGNS[said]
    clear: dict[str, list[str]] = {POINT: [], COMMA: []}
    unclear: list[str] = []
    for _, number in cells:
        body = number.body
        if COMMA not in body and POINT not in body:
            continue
        for sign, pattern in _CLEAR.items():
            if pattern.fullmatch(body):
                clear[sign].append(body)
        if _UNCLEAR.fullmatch(body):
            unclear.append(body)
    fix = "Say which with benchmark.decimal=point or benchmark.decimal=comma."
    settings = ["benchmark.decimal=point"]
    if clear[POINT] and clear[COMMA]:
        raise UserError(
            f"benchmark {name}: some numbers have a decimal point ({clear[POINT][0]}, in "
            f"{len(clear[POINT])} rows), others a decimal comma ({clear[COMMA][0]}, in "
            f"{len(clear[COMMA])} rows). {fix}",
            settings,
        )
    if unclear and not clear[POINT] and not clear[COMMA]:
        whole = unclear[0].replace(COMMA, "")
        raise UserError(
            f"benchmark {name}: {unclear[0]} (and {len(unclear) - 1} more like it) may be {whole} "
            f"or {unclear[0].replace(COMMA, POINT)}, and no other number tells. {fix}",
            settings,
        )
    return COMMA if clear[COMMA] else POINT


def warn_of_thousands(cells: Iterable[tuple[int, Number]]) -> list[str]:
    """A warning where each number with a point, read as a decimal point, may have thousands."""
    bodies = [number.body for _, number in cells if POINT in number.body or COMMA in number.body]
    if len(bodies) < 2 or not all(_POINT_BEFORE_THREE.fullmatch(body) for body in bodies):
        return []
    return [
        f"{bodies[0]} (and {len(bodies) - 1} more like it) are read with a decimal point. If they "
        f"are thousands ({bodies[0].replace(POINT, '')}), set benchmark.decimal=comma."
    ]


def has_leading_zero(value: Any) -> bool:
    """Whether a text begins like a code (``007``), which a number is not."""
    return isinstance(value, str) and re.fullmatch(r"\s*0\d+\s*", value) is not None


def read_numbers(rows: Sequence[Row], parsed: Sequence[Number | None], decimal: str) -> None:
    """Turn the gold of numeric rows into numbers and units; what is none stays as it is.

    A unit that is not the one of the row's type is a problem: nothing is converted.
    """
    units: dict[str, Counter[str]] = defaultdict(Counter)
    for row, number in zip(rows, parsed, strict=True):
        if number is None or (value := number.read(decimal)) is None:
            continue
        row.answer, row.unit = value, number.unit
        row.form = "number"
        units[row.question_type][number.unit] += 1
    for row in rows:
        named = [(n, unit) for unit, n in units[row.question_type].items() if unit]
        unit = max(named)[1] if named else ""
        if row.unit and row.unit != unit:
            row.problem = f"its unit is {row.unit}, and that of its type is {unit}"
        elif not row.unit and unit == "%" and _may_be_share(row.answer):
            row.problem = "a number up to 1 among percentages: it may be a share"
        elif isinstance(row.answer, float):
            row.unit = unit


def _may_be_share(answer: Any) -> bool:
    return isinstance(answer, float) and 0 < abs(answer) <= 1
