"""Options that stand in one text behind letters: ``A. x B. y``, ``(a) x (b) y``, ``A:40``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tst.benchmarks.marks import (
    ANY_MARK,
    COUNTS,
    FIRST_LETTERS,
    FIRST_MARKS,
    LETTERS,
    SCRIPTS,
    WIDE,
    find_order,
    is_latin,
)

# the letter in front of an option: "A. x", "A) x", "A: x", "(A) x", "A、x", "① x"
_OWN_LETTER = re.compile(
    rf"\s*(?:[(（\[](?P<round>{ANY_MARK})[)）\]]|(?P<plain>{ANY_MARK})[.):：、．）]"
    r"|(?P<ring>[①-⑩]))\s*(?=\S)"
)
_FIRST = re.compile(
    rf"(?P<open>[(（\[])?\s?(?P<mark>{FIRST_MARKS}|1)\s?(?P<close>[.):：、．）\]]|(?<=①))(?P<space>\s*)"
)
_CLOSED_BY = {"(": ")", "（": "）", "[": "]"}
_HEADER = re.compile(
    r"(?:^|\n|(?<=[.?!。？！]) )\s*(?:Options|Choices|Answer choices|Answer options|选项|选择)"
    r"\s*(?:are)?\s*[:：]",
    re.IGNORECASE,
)
_ON_A_LINE = re.compile(rf"\n\s*(?=[(（\[]?\s?(?:{FIRST_LETTERS})\s?[.):：、．）\]])")
_IN_A_LINE = re.compile(
    rf"(?<=[\s.?!:,。？！：，])(?=[(（\[](?:{FIRST_LETTERS})[)）\]])"
    rf"|(?<=[.?!:。？！：])\s+(?=(?!a)(?:{FIRST_LETTERS})\s?[.):：、．）])"
)
# what a prompt goes on with behind the options; code and prose of an option are none
_INSTRUCTION = re.compile(
    r"\n\s*(?:please\b|(?:answer|respond|reply) (?:with|directly|using|only|by|the|in)\b"
    r"|(?:choose|select|pick) (?:the|one|from|an?)\b"
    r"|(?:only|just|directly) (?:answer|output|give|return|write|reply|respond)\b"
    r"|(?:give|return|output|write) (?:only|just|the (?:letter|answer|option|correct))\b"
    r"|(?:your|the) answer (?:should|must|is)\b|answer:|请|回答).{0,400}$",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Lettered:
    """Options without their letters.

    marks: the letters, plain, where they are of another script than Latin, or count
    """

    texts: list[str]
    marks: list[str] | None = None


def strip_letters(options: Sequence[str]) -> Lettered | None:
    """Options without their own letters, or None unless each carries its own, in order."""
    matches = [_OWN_LETTER.match(option) for option in options]
    if len(options) < 2 or not all(matches):
        return None
    found = [m["round"] or m["plain"] or m["ring"] for m in matches if m]
    if find_order(found) is None:
        return None
    texts = [o[m.end() :].strip() for o, m in zip(options, matches, strict=True) if m]
    return Lettered(texts, _foreign(found))


def _foreign(marks: Sequence[str]) -> list[str] | None:
    """Marks, plain, that are no Latin letters and no plain numbers; else None."""
    order = find_order(marks)
    return None if order is None or is_latin(marks) else list(order[: len(marks)])


@dataclass(frozen=True)
class _Style:
    """How the first letter is written, which holds for all."""

    opening: str
    closing: str
    marks: Sequence[str]
    spaced: bool

    def mark(self, index: int) -> str:
        """A pattern of the letter at ``index``, with what must follow it."""
        space = r"(?:\s|$)\s*" if self.spaced else r"\s*"
        letter = re.escape(self.marks[index])
        return rf"{re.escape(self.opening)}\s?{letter}\s?{re.escape(self.closing)}{space}"


def _by_first(orders: Sequence[Sequence[str]]) -> dict[str, list[tuple[str, ...]]]:
    """First mark -> the orders that begin with it, in upper and in lower case."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for order in orders:
        for form in dict.fromkeys([tuple(order), tuple(mark.lower() for mark in order)]):
            found.setdefault(form[0], []).append(form)
    return found


_LETTER_ORDERS = _by_first([LETTERS, WIDE, *SCRIPTS])
_COUNT_ORDERS = _by_first([[str(n) for n in range(1, 27)], *COUNTS])


def split_lettered(text: str, numbered: bool = False) -> Lettered | None:
    """Options of one text in the style ``A: x, B: y``, ``(a) x (b) y``, ``A.x\\nB.y`` and the like.

    The text begins with the first letter (``numbered``: or the first number). The style is that of
    the first letter and holds for all; an option ends where the next letter in order follows, after
    a comma, semicolon or line break, else after a space; where no space follows the first letter
    none is needed. None unless there are two or more.
    """
    text = text.strip()
    first = _FIRST.match(text)
    if not first:
        return None
    opening, closing, mark = first["open"] or "", first["close"], first["mark"]
    if _CLOSED_BY.get(opening, closing) != closing or (not opening and closing == "]"):
        return None
    orders = [*_LETTER_ORDERS.get(mark, []), *(_COUNT_ORDERS.get(mark, []) if numbered else [])]
    found = [_split(text, first, _Style(opening, closing, o, bool(first["space"]))) for o in orders]
    texts, marks = max(zip(found, orders, strict=True), key=lambda f: len(f[0]), default=([], ()))
    if len(texts) < 2 or not all(texts):
        return None
    return Lettered(texts, _foreign(marks[: len(texts)]))


def _split(text: str, first: re.Match[str], style: _Style) -> list[str]:
    options: list[str] = []
    start = first.end()
    for index in range(1, len(style.marks)):
        mark = style.mark(index)
        clear = re.compile(rf"\s*[,;，；\n]\s*{mark}").search(text, start)
        match = clear or re.compile(rf"\s+{mark}").search(text, start)
        if match is None and style.opening and not style.spaced:
            match = re.compile(mark).search(text, start)
        if match is None:
            break
        options.append(text[start : match.start()].strip())
        start = match.end()
    options.append(text[start:].strip())
    return options


def split_question(text: str) -> tuple[str, Lettered] | None:
    """The question and the options of a text that holds both, or None.

    The options follow ``Options:`` (the last one), begin on a line of their own, or stand in the
    line behind bracketed letters or the end of a sentence. An instruction on the lines after them
    is left out.
    """
    headers = list(_HEADER.finditer(text))
    if headers:
        options = _split_options(text[headers[-1].end() :])
        if options:
            return text[: headers[-1].start()].strip(), options
        return None
    for pattern in (_ON_A_LINE, _IN_A_LINE):
        for start in pattern.finditer(text):
            question = text[: start.start()].strip()
            if question and (options := _split_options(text[start.end() :])):
                return question, options
    return None


def _split_options(text: str) -> Lettered | None:
    options = split_lettered(text)
    if options:
        last = _INSTRUCTION.sub("", options.texts[-1]).strip()
        options.texts[-1] = last or options.texts[-1]
    return options
