"""Reading single values of a source record: blanks, texts, numbers, lists in text.

Text from a file is only ever parsed, never evaluated.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

MAX_LIST_TEXT = 200_000
MAX_LIST_ITEMS = 1_000

_NUMBER = re.compile(r"[+-]?(\d+(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?")
# an item and what ends it: a comma, or white space alone (numpy prints no commas)
_ITEM = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<bare>[+-]?(?:\d[\d.]*|\.\d+)(?:[eE][+-]?\d+)?|None|True|False))(?:\s*,\s*|\s+|$)""",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:(?P<code>x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|(?P<plain>.))", re.DOTALL
)
_ABSENT = frozenset(("nan", "NaN", "NAN", "<NA>", "NaT", "null", "NULL"))
_SHEET_ERRORS = frozenset(
    ("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#N/A", "#SPILL!", "#CALC!")
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\", "\n": ""}


def is_blank(value: Any) -> bool:
    """True for None, NaN and text of white space alone."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and not value.strip()


def is_absent(value: Any) -> bool:
    """Whether a text is what programs write for "nothing": ``nan``, ``<NA>``, ``null``."""
    return isinstance(value, str) and value.strip() in _ABSENT


def sheet_error(value: Any) -> str:
    """The error that a spreadsheet left in a cell (``#REF!``), empty for none."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text in _SHEET_ERRORS else ""


def plain_text(value: Any) -> str:
    """A cell as text without outer white space; blank cells are the empty string.

    Halves of surrogate pairs, which JSON can hold and no file can, become U+FFFD.
    """
    text = "" if is_blank(value) else str(value).strip()
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


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


def parse_list(text: str) -> list[str | None] | None:
    """The items of a flat list written in JSON or Python, or as numpy prints it; else None.

    Items are quoted texts, numbers and true/false (kept as written), and null (None). Nested lists,
    more than ``MAX_LIST_ITEMS`` items and texts over ``MAX_LIST_TEXT`` characters are refused.
    """
    text = text.strip()
    if len(text) > MAX_LIST_TEXT or not text.startswith("[") or not text.endswith("]"):
        return None
    items = _parse_json_list(text)
    if items is None:
        items = _parse_python_list(text)
    return items if items is None or len(items) <= MAX_LIST_ITEMS else None


def _parse_json_list(text: str) -> list[str | None] | None:
    try:
        items = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, strict=False)
    except (ValueError, RecursionError):
        return None
    if any(isinstance(item, list | dict) for item in items):
        return None
    return [item if item is None else str(item) for item in items]


def _parse_python_list(text: str) -> list[str | None] | None:
    """Read item by item, so that nothing nested can reach a recursive parser."""
    items: list[str | None] = []
    position, end = 1, len(text) - 1
    while text[position:end].strip():
        match = _ITEM.match(text, position, end)
        if match is None or len(items) > MAX_LIST_ITEMS:
            return None
        bare = match["bare"]
        if bare is None:
            items.append(unescape(match["text"][1:-1]))
        else:
            items.append(None if bare == "None" else bare)
        position = match.end()
    return items


def unescape(text: str) -> str:
    r"""A Python text without its backslashes; those that mean nothing stay."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[str]) -> str:
    code = match["code"]
    if code:
        number = int(code[1:], 16)
        return chr(number) if number <= 0x10FFFF else match[0]
    return _ESCAPES.get(match["plain"], match[0])


def look_up(record: Mapping[str, Any], column: str) -> Any:
    """The cell of a column, None where the record has none; ``a.b`` reaches into a nested cell."""
    if column in record:
        return record[column]
    first, dot, rest = column.partition(".")
    inner = record.get(first) if dot else None
    return look_up(inner, rest) if isinstance(inner, Mapping) else None
