"""JSON and JSONL files. Parsed, never evaluated, and refused where nested absurdly deep."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tst.benchmarks.files.encodings import open_text
from tst.benchmarks.files.json_layouts import find_records
from tst.benchmarks.files.records import ENTRY, LINE, FileRecords, Record
from tst.core.errors import UserError, brief

MAX_DEPTH = 100

_SPACE = " \t\r\n"


def read_jsonl(path: Path) -> FileRecords:
    """One object per line."""
    # not universal newlines, nor splitlines(): U+2028 and the like may stand inside a JSON text
    with open_text(path, "\n") as file:
        return _parse_lines(file, path)


def read_json(path: Path, part: str | None = None) -> FileRecords:
    """The records of a JSON file in any layout of ``json_layouts``, or one object per line.

    part: key of the list to read, where the file's object holds several
    """
    with open_text(path, "\n") as file:
        text = file.read()
    lines = [line for line in text.split("\n", maxsplit=50) if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines[:2]):
        return _parse_lines(text.split("\n"), path)
    starts = array("q")
    data = _load_list(text, starts)
    if data is None:
        data = load_json(text, str(path))
    elif len(text) > MAX_DEPTH and _is_deep(data):
        raise UserError(_too_deep(str(path)))
    found = find_records(data, str(path), part)
    several_lines = bool(starts) and starts[-1] > 1 and len(starts) == len(found.records)
    return FileRecords(
        str(path),
        found.records,
        ENTRY,
        range(1, len(found.records) + 1),
        lines=starts if several_lines else None,
        notes=found.notes,
    )


def load_json(text: str, where: str) -> Any:
    """A JSON value; UserError for what is none, and for more than ``MAX_DEPTH`` levels."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: no valid JSON ({error}).") from error
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
        raise UserError(_too_deep(where))
    return value


def _too_deep(where: str) -> str:
    return f"{where}: nested more than {MAX_DEPTH} levels deep."


def _parse_lines(lines: Iterable[str], path: Path) -> FileRecords:
    records: list[Record] = []
    numbers = array("q")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = load_json(line, f"{path}, line {number}")
        if not isinstance(record, dict):
            raise UserError(
                f"{path}, line {number}: expected one JSON object per line, got {brief(line)}."
            )
        records.append(record)
        numbers.append(number)
    return FileRecords(str(path), records, LINE, numbers)


def _load_list(text: str, starts: array[int]) -> list[Any] | None:
    """The items of a text that is one JSON list, and in ``starts`` the line where each begins.

    None for any other text, a damaged one too.
    """
    decode = json.JSONDecoder().raw_decode
    at = _skip_space(text, 0)
    if not text.startswith("[", at):
        return None
    items: list[Any] = []
    line, counted = 1, 0
    at = _skip_space(text, at + 1)
    try:
        while True:
            line += text.count("\n", counted, at)
            counted = at
            item, at = decode(text, at)
            items.append(item)
            starts.append(line)
            at = _skip_space(text, at)
            if not text.startswith(",", at):
                break
            at = _skip_space(text, at + 1)
    except (ValueError, RecursionError):
        return None
    return items if text.startswith("]", at) and not text[at + 1 :].strip() else None


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _is_deep(value: Any) -> bool:
    """Whether lists and objects are nested beyond ``MAX_DEPTH``, found without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        nodes = [node for node in level if isinstance(node, list | dict)]
        level = [c for n in nodes for c in (n.values() if isinstance(n, dict) else n)]
    return bool(level)
