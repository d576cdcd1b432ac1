"""Options: from a cell or several to a list of plain texts, without letters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tst.benchmarks.values import brief, is_blank, parse_list, plain_text

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# the letter in front of an option: "A. x", "A) x", "A: x", "(A) x"
_LETTERED = re.compile(r"\s*(?:\((?P<round>[A-Za-z])\)|(?P<plain>[A-Za-z])[.):])\s*(?=\S)")
_HEADER = re.compile(r"(?:^|\n)\s*(?:Options|Choices|Answer choices)\s*:", re.IGNORECASE)


def read_options(cell: Any, separator: str | None = None) -> list[str] | None:
    """Option texts of a cell in source order, letters still on; None where it is blank.

    A cell is a list, a mapping of letters to texts, or text: of a JSON or Python list, lettered
    (``A. x  B. y``), or with a separator. Trailing blanks are dropped. Raises ValueError with the
    reason for text that is none of these and for a blank between options.
    """
    if is_blank(cell):
        return None
    if isinstance(cell, str):
        cell = _split_text(cell, separator)
    if isinstance(cell, Mapping):
        cell = [cell[key] for key in sorted(cell, key=str)]
    if isinstance(cell, bytes) or not isinstance(cell, Iterable):
        raise ValueError(f"options {cell!r:.60} are no list")
    cell = list(cell)
    for number, option in enumerate(cell, start=1):
        if isinstance(option, Mapping | list | tuple):
            raise ValueError(f"option {number} of {len(cell)} is no text but {brief(option)}")
    options = [plain_text(o) for o in cell]
    while options and not options[-1]:
        options.pop()
    if "" in options:
        raise ValueError(f"option {options.index('') + 1} of {len(options)} is blank")
    return options or None


def _split_text(text: str, separator: str | None) -> Sequence[Any] | Mapping[str, Any]:
    """The options in a text; raises ValueError where no form fits."""
    if separator:
        return text.split(separator)
    if (items := parse_list(text)) is not None:
        return items
    if text.lstrip().startswith("{"):
        try:
            mapping = json.loads(text)
        except (ValueError, RecursionError):
            mapping = None
        if isinstance(mapping, dict):
            return mapping
    if lettered := split_lettered(text):
        return lettered
    raise ValueError(
        f"options {text!r:.60} are no list; if something stands between them, "
        "set benchmark.options_separator"
    )


def strip_letters(options: list[str]) -> list[str] | None:
    """Options without their own letters, or None unless each carries its own, in order."""
    matches = [_LETTERED.match(option) for option in options]
    found = [(m["round"] or m["plain"]).upper() if m else "" for m in matches]
    if len(options) < 2 or "".join(found) != LETTERS[: len(options)]:
        return None
    return [o[m.end() :].strip() for o, m in zip(options, matches, strict=True) if m]


def split_lettered(text: str) -> list[str] | None:
    """Options of one text in the style ``A: x, B: y``, ``(A) x (B) y`` or ``A. x B. y``.

    The text begins with the first letter. The style is that of the first letter and holds for
    all; an option ends where the next letter in order follows (after a comma or line break, else
    after a space). None unless there are two or more.
    """
    text = text.strip()
    first = re.match(r"(\()?A([.):])\s*", text)
    if not first or bool(first[1]) != (first[0].strip() == "(A)"):
        return None
    opening, closing = re.escape(first[1] or ""), re.escape(first[2])
    options: list[str] = []
    start = first.end()
    for letter in LETTERS[1:]:
        mark = rf"{opening}{letter}{closing}(?:\s|$)\s*"
        clear = re.compile(rf"\s*[,;\n]\s*{mark}").search(text, start)
        match = clear or re.compile(rf"\s+{mark}").search(text, start)
        if match is None:
            break
        options.append(text[start : match.start()].strip())
        start = match.end()
    options.append(text[start:].strip())
    return options if len(options) > 1 and all(options) else None


def split_question(text: str) -> tuple[str, list[str]] | None:
    """The question and the options of a text that holds both, or None.

    The options follow a line ``Options:`` (the last one), or begin on a line of their own.
    """
    headers = list(_HEADER.finditer(text))
    if headers:
        options = split_lettered(text[headers[-1].end() :])
        return (text[: headers[-1].start()].strip(), options) if options else None
    for start in re.finditer(r"\n\s*(?=\(?A[.):])", text):
        if options := split_lettered(text[start.end() :]):
            return text[: start.start()].strip(), options
    return None
