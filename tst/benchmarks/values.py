"""Reading single values of a source record: blanks, texts, numbers, lists in text.

Text from a file is only ever parsed, never evaluated.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping
from typing import Any

MAX_LIST_TEXT = 200_000
MAX_LIST_ITEMS = 1_000

_NUMBER = re.compile(r"[+-]?(\d+(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?")
_ITEM = re.compile(
    r"""\s*(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|\s*(?P<bare>[+-]?[0-9][0-9.eE+-]*|None|True|False)""",
    re.DOTALL,
)


def is_blank(value: Any) -> bool:
    """True for None, NaN and text of white space alone."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and not value.strip()


def plain_text(value: Any) -> str:
    """A cell as text without outer white space; blank cells are the empty string."""
    return "" if is_blank(value) else str(value).strip()


def parse_number(value: Any) -> float | None:
    """A finite number from a cell (``1,234.5`` and ``2e3`` too), or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            return None
        return number if math.isfinite(number) else None
    text = plain_text(value)
    if len(text) > 100 or not _NUMBER.fullmatch(text) or not any(c.isdigit() for c in text):
        return None
    try:
        number = float(text.replace(",", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def parse_list(text: str) -> list[Any] | None:
    """The items of a flat list written in JSON or Python (or as numpy prints it), else None.

    Items are texts, numbers, true/false or null. Nested lists, more than ``MAX_LIST_ITEMS`` items
    and texts longer than ``MAX_LIST_TEXT`` are refused (None): options are a flat list.
    """
    text = text.strip()
    if len(text) > MAX_LIST_TEXT or text[:1] not in "[(" or text[-1:] not in "])" or len(text) < 2:
        return None
    items: list[Any] = []
    position, end = 1, len(text) - 1
    while text[position:end].strip():
        match = _ITEM.match(text, position, end)
        if match is None or len(items) == MAX_LIST_ITEMS:
            return None
        item = _parse_item(match, in_json=text[0] == "[")
        if item is _UNREADABLE:
            return None
        items.append(item)
        # a comma, or white space alone as numpy prints arrays
        gap = re.compile(r"\s*,\s*|\s+|$").match(text, match.end(), end)
        if gap is None:
            return None
        position = gap.end()
    return items


_UNREADABLE = object()


def _parse_item(match: re.Match[str], in_json: bool) -> Any:
    """One literal of a list: Python's reading of it, or JSON's where Python has none."""
    literal = (match["text"] or match["bare"]).strip()
    if match["text"] and in_json and literal.startswith('"'):
        try:
            return json.loads(literal, strict=False)
        except ValueError:
            pass  # a Python text in double quotes, e.g. with \' in it
    try:
        # a single text or number: nothing nested can reach the parser
        return ast.literal_eval(literal.replace("\n", "\\n"))
    except (ValueError, SyntaxError):
        return _UNREADABLE


def look_up(record: Mapping[str, Any], column: str) -> Any:
    """The cell of a column, None where the record has none; ``a.b`` reaches into a nested cell."""
    if column in record:
        return record[column]
    first, dot, rest = column.partition(".")
    inner = record.get(first) if dot else None
    return look_up(inner, rest) if isinstance(inner, Mapping) else None
