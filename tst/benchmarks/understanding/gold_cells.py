"""Gold cells of multiple-choice questions: every option that a cell may mean, and by which form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tst.benchmarks.marks import LETTERS, plain_mark
from tst.benchmarks.options import LABEL_KEYS, TEXT_KEYS
from tst.benchmarks.settings import AnswerForm
from tst.benchmarks.understanding.yes_no import find_polarity
from tst.benchmarks.values import is_blank, parse_list, parse_number, plain_text
from tst.core.errors import brief

LETTER, INTEGER, TEXT = "letter", "integer", "text"

PLACES = {"index", "index1"}
"""Forms that count."""

_LETTER = re.compile(r"[(\[（]?\s*([A-Za-z])\s*[).:\]、）]?")
_MARK = re.compile(r"[(\[（]?\s*([^\W_]{1,4})(?:\.0+)?\s*[).:\]、）]?")
_INDEX = re.compile(r"[(\[]?\s*(\d{1,3})(\.0+)?\s*[).:\]、]?")
_LETTERED_TEXT = re.compile(r"[(\[]?\s*([^\W\d_])\s*[).:\]、]\s*(\S.*)", re.DOTALL)
_NUMBERED_TEXT = re.compile(r"[(\[]?\s*(\d{1,3})\s*(?:[)\]、]|[.:](?=\s))\s*(\S.*)", re.DOTALL)
_SAID_BEFORE = re.compile(r"(?:option|choice|answer|选项|答案)\s*[_:：]?\s*", re.IGNORECASE)
_SEVERAL = re.compile(r"\(?[A-Z]\)?(?:\s*(?:[,;/&、+|]|and)?\s*\(?[A-Z]\)?)+")
_BETWEEN = re.compile(r"\s*[,;|]\s*")


def read_letter(answer: Any, options: Sequence[str]) -> int | None:
    """0-based index of ``B``, ``b``, ``(B)``, ``B.`` or ``B)``; may lie beyond the options."""
    match = _LETTER.fullmatch(_plain_gold(answer))
    return LETTERS.index(match[1].upper()) if match else None


def read_index(answer: Any, options: Sequence[str]) -> int | None:
    """A 0-based index as it stands (``2``, ``(2)``, ``2)``); may lie beyond the options."""
    match = None if isinstance(answer, bool) else _INDEX.fullmatch(_plain_gold(answer))
    return int(match[1]) if match else None


def read_index_from_one(answer: Any, options: Sequence[str]) -> int | None:
    """0-based index of an answer counted from 1; may lie beyond the options."""
    index = read_index(answer, options)
    return None if index is None else index - 1


def read_text(answer: Any, options: Sequence[str]) -> int | None:
    """Index of the one option with this text, None for none or several.

    Case, spacing and a last full stop do not count, nor does the letter before a text.
    """
    wanted = plain_text(answer)
    if wanted in options:
        return options.index(wanted) if list(options).count(wanted) == 1 else None
    folded = [fold_text(o) for o in options]
    for text in (wanted, re.sub(r"^\(?(?:[A-Z]|\d{1,3})[.):]\s+", "", wanted)):
        if folded.count(fold_text(text)) == 1:
            return folded.index(fold_text(text))
    number = parse_number(answer)
    if number is not None:
        equal = [i for i, option in enumerate(options) if parse_number(option) == number]
        return equal[0] if len(equal) == 1 else None
    return None


def fold_text(text: str) -> str:
    """An option as it is compared: without case, spacing and a last full stop."""
    folded = " ".join(text.split()).casefold()
    return folded.rstrip(".") or folded


def _plain_gold(answer: Any) -> str:
    """A gold cell as text, full-width letters and brackets as plain ones."""
    text = plain_text(answer)
    return text if text.isascii() or len(text) > 8 else unicodedata.normalize("NFKC", text)


READERS: dict[AnswerForm, Callable[[Any, Sequence[str]], int | None]] = {
    AnswerForm.letter: read_letter,
    AnswerForm.index: read_index,
    AnswerForm.index1: read_index_from_one,
    AnswerForm.text: read_text,
}


class ContradictionError(ValueError):
    """A gold cell that says two things."""


def gold_cell(cell: Any) -> Any:
    """The one value of a gold cell: a list of one, and an object's label or text, are unwrapped.

    Raises ContradictionError for a list of several.
    """
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        cell = parse_list(cell) or cell
    if isinstance(cell, Mapping):
        names = {str(key).lower(): key for key in cell}
        label = next((cell[names[k]] for k in LABEL_KEYS if k in names), None)
        text = next((cell[names[k]] for k in TEXT_KEYS if k in names), None)
        if label is not None and text is not None and _LETTER.fullmatch(plain_text(label)):
            return f"{plain_text(label)}. {plain_text(text)}"
        return (
            gold_cell(text if label is None else label) if (label, text) != (None, None) else cell
        )
    if isinstance(cell, Iterable) and not isinstance(cell, str | bytes):
        items = [item for item in cell if not is_blank(item)]
        if len({plain_text(item) for item in items if not isinstance(item, Mapping)}) == 1:
            return items[0]
        if len(items) == 1:
            return gold_cell(items[0])
        if len(items) > 1:
            listed = ", ".join(map(plain_text, items))
            raise ContradictionError(f"the gold {brief(listed)} names several options, not one")
    return cell


def readings(
    answer: Any, options: Sequence[str], labels: Sequence[str] | None = None
) -> tuple[str, dict[str, int]]:
    """The kind of a gold cell, and the option that it is by each form that fits.

    Raises ContradictionError for a letter and a text that are of different options.
    """
    text = _plain_gold(answer)
    count = len(options)
    found: dict[str, int] = {}
    # a letter is rarely an option itself, and folding every option takes time
    short = len(text) == 1 and text.isalpha() and min(map(len, options), default=0) > 2
    exact = None if short else read_text(answer, options)
    if exact is None and (said := _SAID_BEFORE.match(text)):
        rest = text[said.end() :]
        if any(pattern.fullmatch(rest) for pattern in (_LETTER, _INDEX, _LETTERED_TEXT)):
            answer = text = rest
    if labels is not None and (key := _find_label(text, labels)) is not None:
        found["key"] = key
    if letter := _LETTER.fullmatch(text):
        kind, index = LETTER, LETTERS.index(letter[1].upper())
        if index < count and "key" not in found:
            found["letter"] = index
    elif (position := read_index(answer, options)) is not None:
        kind = INTEGER
        called = labels is not None and (is_numbered(labels, 0) or is_numbered(labels, 1))
        if not called and "key" not in found:
            found |= {
                form: index
                for form, index in (("index", position), ("index1", position - 1))
                if 0 <= index < count
            }
    else:
        kind = TEXT
        if exact is None and not found and _names_several(text, options):
            raise ContradictionError(f"the gold {brief(text)} names several options, not one")
        if match := _LETTERED_TEXT.fullmatch(text):
            exact = _read_lettered_text(text, match, options, labels)
        elif match := _NUMBERED_TEXT.fullmatch(text):
            exact = _read_numbered_text(text, match, options)
    if exact is not None:
        found["text"] = exact
    if (polarity := find_polarity(text, options)) is not None and exact is None:
        found["yes/no"] = polarity
    return kind, found


def _find_label(text: str, labels: Sequence[str]) -> int | None:
    if text in labels:
        return labels.index(text)
    match = _MARK.fullmatch(text)
    mark = plain_mark(match[1] if match else text)
    plain = [plain_mark(label.strip("().: ")) for label in labels]
    return plain.index(mark) if plain.count(mark) == 1 else None


def is_numbered(labels: Sequence[str], first: int) -> bool:
    """Whether options are called by the numbers from ``first`` on."""
    return len(labels) > 1 and list(labels) == [str(first + i) for i in range(len(labels))]


def _read_lettered_text(
    text: str, match: re.Match[str], options: Sequence[str], labels: Sequence[str] | None
) -> int | None:
    """The option of ``B. tin``, whose letter and text must agree."""
    whole = [fold_text(o) for o in options]
    if whole.count(fold_text(text)) == 1:
        return whole.index(fold_text(text))  # "A. Lincoln" is a name
    letter, rest = match[1].upper(), fold_text(match[2])
    index = LETTERS.find(letter)
    if labels is not None and (key := _find_label(letter, labels)) is not None:
        index = key
    if index < 0:  # of another script, and no option is called so
        return whole.index(rest) if whole.count(rest) == 1 else None
    if index < len(options) and whole[index] == rest:
        return index
    if rest in whole or index < len(options):
        said = (
            f"option {letter} is {brief(options[index], 40)}"
            if index < len(options)
            else (f"there are {len(options)} options")
        )
        raise ContradictionError(f"the gold {brief(text)} contradicts itself: {said}")
    return None


def _read_numbered_text(text: str, match: re.Match[str], options: Sequence[str]) -> int | None:
    """The option of ``2) tin``, whose number, from 0 or from 1, and text must agree."""
    whole = [fold_text(o) for o in options]
    if whole.count(fold_text(text)) == 1:
        return whole.index(fold_text(text))  # "1. FC Köln" is a name
    places = [i for i, option in enumerate(whole) if option == fold_text(match[2])]
    number = int(match[1])
    if places and not {number, number - 1} & set(places):
        raise ContradictionError(
            f"the gold {brief(text)} contradicts itself: its text is option {places[0] + 1}"
        )
    return places[0] if len(places) == 1 else None


def _names_several(text: str, options: Sequence[str]) -> bool:
    """Whether a text is two or more letters of options, as ``A, C``, ``AC`` or ``(A)(C)``.

    Or the texts or places of as many options, as ``red, blue`` or ``0|2``, or the text of two.
    """
    if _SEVERAL.fullmatch(text):
        letters = re.findall(r"[A-Z]", text)
        return letters == sorted(set(letters)) and letters[-1] <= LETTERS[len(options) - 1]
    whole = [fold_text(option) for option in options]
    parts = [fold_text(part) for part in _BETWEEN.split(text)]
    known = {*whole, *map(str, range(len(options) + 1))}
    several = len(parts) == len(set(parts)) > 1 and known.issuperset(parts)
    return several or whole.count(fold_text(text)) > 1
