"""Rows without options of which nothing is said: yes or no, a number, or a text, by their gold.

Within a type, questions that begin with the same two words ("How many ...") are decided together,
so that counts and colours need no column that tells them apart.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tst.benchmarks.understanding.gold_cells import ContradictionError, gold_cell
from tst.benchmarks.understanding.numbers import parse_number_cell
from tst.benchmarks.understanding.row import YES_NO, Row
from tst.benchmarks.understanding.yes_no import (
    DIGITS,
    choose_pair,
    is_polar,
    polar_word,
    same_sense,
)
from tst.benchmarks.values import is_blank, plain_text
from tst.core.errors import brief

NUMBER_SHARE = 2 / 3
"""Where this share of similar questions has numbers as gold, all of them are numeric."""

MIN_ALIKE = 3
OTHER_SHARE = 0.1
"""Texts in this share among numbers are answers of their own; fewer are left out."""

_LETTER = re.compile(r"[(\[]?[A-Za-z][).:\]]?")
_LETTERS = re.compile(rf"{_LETTER.pattern}(?:\s*(?:[,;/&+、]|and\b)\s*{_LETTER.pattern})+")
# what stands in a number's place: "[1, 4]", "about 3 or 4 m", "none", "nineteen"
_AROUND = (
    r"(?:about|around|approx(?:imately|\.)?|over|under|at|least|most|more|less|fewer|than|between"
    r"|up|to|or|and|circa|roughly|nearly|[^\w\s])"
)
_NO_ANSWER = re.compile(
    rf"(?:{_AROUND}\s*)*\d(?:[\d\s]|{_AROUND})*[a-z]{{0,3}}[^\w\s]*"
    r"|[-–—?./]*|none|no answer|nan|null|nil|n/?a|unknown|unclear|unsure|not sure|undefined"
    r"|unanswerable|not (?:given|applicable|available|visible)|cannot .*|can't .*|impossible.*"
    r"|many|several|few|some|a few|a lot|lots|multiple|various|infinite|infinity|all|any|tbd|todo"
    r"|(?:about |over |under |at least |at most )?(?:zero|one|two|three|four|five|six|seven|eight"
    r"|nine|ten|eleven|twelve|[a-z]+teen|[a-z]+ty|hundred|thousand|dozen)s?(?:[ -].*)?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass
class _Open:
    """A row that is not decided yet, and its gold without the list around it.

    number: whether the gold is one
    """

    row: Row
    gold: Any
    number: bool = False


def is_letter(answer: Any) -> bool:
    """Whether a gold cell is a single letter, perhaps in brackets."""
    return isinstance(answer, str) and _LETTER.fullmatch(answer.strip()) is not None


def _are_letters(answer: Any) -> bool:
    """Whether a gold cell is several letters with something between them, as ``A, C``."""
    return isinstance(answer, str) and _LETTERS.fullmatch(answer.strip()) is not None


def decide_type(rows: Sequence[Row], others_have_options: bool) -> None:
    """Give the rows of one type their format; yes or no also their options.

    others_have_options: whether other rows of the type have options: a letter as gold then
    belongs to options that are missing
    """
    for row in rows:
        row.by_gold = True
        if others_have_options and is_letter(row.answer):
            row.format = "mc"
            row.problem = f"mc row without options: its gold {row.answer.strip()!r} is a letter"
        elif others_have_options and _are_letters(row.answer):
            row.format = "mc"
            row.problem = f"mc row without options: its gold {row.answer.strip()!r} is letters"
    open_rows = [_Open(row, _single(row.answer)) for row in rows if not row.problem]
    blank = [entry for entry in open_rows if is_blank(entry.gold)]
    rest = _take_yes_or_no([entry for entry in open_rows if not is_blank(entry.gold)])
    _mark_numbers(rest)
    as_numbers = _share(rest) >= NUMBER_SHARE
    for entry in blank:
        entry.row.format = "num" if as_numbers else "open"
    alike: dict[str, list[_Open]] = defaultdict(list)
    for entry in rest:
        alike[_opening(entry.row.question)].append(entry)
    small: list[_Open] = []
    for same in alike.values():
        share = _share(same)
        if len(same) >= MIN_ALIKE and not 1 - NUMBER_SHARE < share < NUMBER_SHARE:
            _decide(same, share >= NUMBER_SHARE)
        else:
            small += same
    _decide(small, as_numbers)


def _single(cell: Any) -> Any:
    """A gold cell without the list around a single answer; several answers stay a list."""
    items = cell if isinstance(cell, list | tuple) else None
    if items is not None and len(items) > 1:
        return cell
    try:
        return gold_cell(cell)
    except ContradictionError:
        return cell


def _opening(question: str) -> str:
    return " ".join(question.split(maxsplit=2)[:2]).casefold()


def _share(rows: Sequence[_Open]) -> float:
    """The share of numbers."""
    return sum(entry.number for entry in rows) / len(rows) if rows else 0.0


def _mark_numbers(rows: Sequence[_Open]) -> None:
    """Say which golds are numbers; "5 apples" is one where most are apples, not beside "3 cats"."""
    parsed = [parse_number_cell(entry.gold) for entry in rows]
    words = Counter(number.unit for number in parsed if number is not None and not number.known)
    word, count = words.most_common(1)[0] if words else ("", 0)
    counted = word if count >= NUMBER_SHARE * len(rows) else None
    for entry, number in zip(rows, parsed, strict=True):
        entry.number = number is not None and (number.known or number.unit == counted)


def _decide(rows: Sequence[_Open], as_numbers: bool) -> None:
    """Formats of similar rows: num and, where they are no slips, open; or all of them open."""
    if not as_numbers:
        for entry in rows:
            entry.row.format = "open"
        return
    numbers = sum(entry.number for entry in rows)
    texts = [e for e in rows if not e.number and not _NO_ANSWER.fullmatch(plain_text(e.gold))]
    are_answers = len(texts) > 1 and len(texts) >= OTHER_SHARE * len(rows)
    for entry in rows:
        entry.row.format = "num"
        if entry.number:
            entry.row.answer = entry.gold
        elif are_answers and any(entry is text for text in texts):
            entry.row.format = "open"
        else:
            gold = brief(entry.gold)
            similar = f"{numbers} of {len(rows)} similar questions have one"
            entry.row.problem = f"the gold {gold} is not a number; {similar}"


def _take_yes_or_no(rows: list[_Open]) -> list[_Open]:
    """Make those mc whose gold is yes or no, where that is what is asked; the others.

    It is asked where no other row of the type has a text as gold, where half of the type is
    answered so, and else where the question's words say so.
    """
    words = [polar_word(entry.gold) for entry in rows]
    digits = [DIGITS.get(plain_text(entry.gold), "") for entry in rows]
    if any(words) and all(word or digit for word, digit in zip(words, digits, strict=True)):
        # beside yes and no alone, 1 and 0 answer what asks for yes or no
        words = [
            word or (digit if is_polar(entry.row.question) else "")
            for entry, word, digit in zip(rows, words, digits, strict=True)
        ]
    said = [word for word in words if word]
    pair = choose_pair(said)
    if pair is None:
        return rows
    others = [entry.gold for entry, word in zip(rows, words, strict=True) if not word]
    texts = any(parse_number_cell(gold) is None for gold in others)
    both = len(set(said)) == 2
    whole_type = not others or (both and (not texts or len(said) >= len(others)))
    rest = []
    for entry, word in zip(rows, words, strict=True):
        if word and (whole_type or is_polar(entry.row.question)):
            _give_options(entry.row, word, pair)
        else:
            rest.append(entry)
    return rest


def offer_yes_or_no(row: Row) -> None:
    """Options for an mc row without any whose gold is yes or no."""
    word = polar_word(_single(row.answer))
    pair = choose_pair([word]) if word else None
    if pair:
        _give_options(row, word, pair)


def _give_options(row: Row, word: str, pair: tuple[str, str]) -> None:
    row.format, row.options, row.options_from = "mc", list(pair), YES_NO
    row.answer = same_sense(word, pair)
