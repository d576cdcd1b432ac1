"""Options that stand in one text behind letters: ``A. x B. y``, ``(a) x (b) y``, ``A:40``."""

from __future__ import annotations

import re
from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# the letter in front of an option: "A. x", "A) x", "A: x", "(A) x", "A、x"
_OWN_LETTER = re.compile(
    r"\s*(?:[(（\[](?P<round>[A-Za-z])[)）\]]|(?P<plain>[A-Za-z])[.):：、．）])\s*(?=\S)"
)
_FIRST = re.compile(
    r"(?P<open>[(（\[])?\s?(?P<mark>[Aa1])\s?(?P<close>[.):：、．）\]])(?P<space>\s*)"
)
_CLOSED_BY = {"(": ")", "（": "）", "[": "]"}
_HEADER = re.compile(
    r"(?:^|\n|(?<=[.?!。？！]) )\s*(?:Options|Choices|Answer choices|Answer options|选项|选择)"
    r"\s*(?:are)?\s*[:：]",
    re.IGNORECASE,
)
_ON_A_LINE = re.compile(r"\n\s*(?=[(（\[]?\s?[Aa]\s?[.):：、．）\]])")
_IN_A_LINE = re.compile(
    r"(?<=[\s.?!:,。？！：，])(?=[(（\[][Aa][)）\]])|(?<=[.?!:。？！：])\s+(?=A\s?[.):：、．）])"
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


def strip_letters(options: list[str]) -> list[str] | None:
    """Options without their own letters, or None unless each carries its own, in order."""
    matches = [_OWN_LETTER.match(option) for option in options]
    found = [(m["round"] or m["plain"]).upper() if m else "" for m in matches]
    if len(options) < 2 or "".join(found) != LETTERS[: len(options)]:
        return None
    return [o[m.end() :].strip() for o, m in zip(options, matches, strict=True) if m]


@dataclass(frozen=True)
class _Style:
    """How the first letter is written, which holds for all."""

    opening: str
    closing: str
    marks: str
    spaced: bool

    def mark(self, index: int) -> str:
        """A pattern of the letter at ``index``, with what must follow it."""
        letter = self.marks[index] if len(self.marks) == 26 else str(index + 1)
        space = r"(?:\s|$)\s*" if self.spaced else r"\s*"
        return rf"{re.escape(self.opening)}\s?{letter}\s?{re.escape(self.closing)}{space}"


def split_lettered(text: str, numbered: bool = False) -> list[str] | None:
    """Options of one text in the style ``A: x, B: y``, ``(a) x (b) y``, ``A.x\\nB.y`` and the like.

    The text begins with the first letter (``numbered``: or the number 1). The style is that of the
    first letter and holds for all; an option ends where the next letter in order follows, after a
    comma, semicolon or line break, else after a space; where no space follows the first letter
    none is needed. None unless there are two or more.
    """
    text = text.strip()
    first = _FIRST.match(text)
    if not first or (first["mark"] == "1" and not numbered):
        return None
    opening, closing = first["open"] or "", first["close"]
    if _CLOSED_BY.get(opening, closing) != closing or (not opening and closing == "]"):
        return None
    marks = {"A": LETTERS, "a": LETTERS.lower(), "1": ""}[first["mark"]]
    style = _Style(opening, closing, marks, bool(first["space"]))
    options: list[str] = []
    start = first.end()
    for index in range(1, 26):
        mark = style.mark(index)
        clear = re.compile(rf"\s*[,;，；\n]\s*{mark}").search(text, start)
        match = clear or re.compile(rf"\s+{mark}").search(text, start)
        if match is None and opening and not style.spaced:
            match = re.compile(mark).search(text, start)
        if match is None:
            break
        options.append(text[start : match.start()].strip())
        start = match.end()
    options.append(text[start:].strip())
    return options if len(options) > 1 and all(options) else None


def split_question(text: str) -> tuple[str, list[str]] | None:
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


def _split_options(text: str) -> list[str] | None:
    options = split_lettered(text)
    if options:
        last = _INSTRUCTION.sub("", options[-1]).strip()
        options[-1] = last or options[-1]
    return options
