"""The text that a model reads and its target: one rendering for training and scoring."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tst.core.number_text import NUMBER_WORDS

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INSTRUCTIONS = {
    "mc": "Answer with the option's letter from the given choices directly.",
    "num": "Answer with just a number.",
    "open": "Answer with a single word or phrase.",
}
JUDGE = "Judge each option."
"""Asked where the options are listed in the assistant's turn alone."""
_NUMBER = re.compile(
    r"[-+]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?|[-+]?\.\d+(?:[eE][-+]?\d+)?"
)
_AFTER_NUMBER = re.compile(r"[^\s\d.,eE+\-\ufffd]")
"""What no number goes on with, nor a character that is not whole yet."""
CUT = "..."
"""Where text was taken out of a question that is too long."""
HIGHEST_WORD = 20
"""A number above it is read from digits alone."""


def render_prompt(
    row: Mapping[str, Any], question: str | None = None, options_listed: bool = True
) -> str:
    """The user's turn for one question (a mapping with format, question, options).

    Letters stand at the start of their lines and the instruction comes last, so that the answer
    position directly follows the request for a letter. ``question`` replaces a text that was cut;
    without ``options_listed`` an mc question's options are left to the assistant's turn.
    """
    text = f"Answer the following question: {row['question'] if question is None else question}"
    if row["format"] == "mc" and not options_listed:
        return f"{text}\n{JUDGE}"
    if row["format"] == "mc":
        options = zip(LETTERS, row["options"], strict=False)
        text += " Options:\n" + "\n".join(f"{letter}. {option}" for letter, option in options)
    return f"{text}\n{INSTRUCTIONS[row['format']]}"


def target_text(row: Mapping[str, Any]) -> str:
    """What the model is trained to answer: the letter, the number, or the first accepted text."""
    answer = row["answer"]
    if row["format"] == "mc":
        return LETTERS[answer]
    if row["format"] == "num":
        return str(int(answer)) if float(answer).is_integer() else repr(float(answer))
    return str(answer[0])


def parse_number(text: str) -> float:
    """The first number in a text (1,234.5, -2, .5, 3e2, or a word up to twenty), else NaN."""
    match = _NUMBER.search(text)
    if match:
        value = float(match.group().replace(",", ""))
        return value if math.isfinite(value) else math.nan
    for word in re.findall(r"[a-z]+", text.lower()):
        if NUMBER_WORDS.get(word, math.inf) <= HIGHEST_WORD:
            return float(NUMBER_WORDS[word])
    return math.nan


def number_certain(text: str) -> bool:
    """Whether ``parse_number`` finds a number that no longer text can change."""
    match = _NUMBER.search(text)
    return match is not None and _AFTER_NUMBER.search(text, match.end()) is not None


def clean_text(text: str) -> str:
    """A generated open answer without surrounding space: its first line that is not empty."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def cut_middle(pieces: list[str], joint: str, fits: Callable[[str], bool]) -> str:
    """The longest text that fits, with pieces taken out of its middle; empty where none is left."""

    def attempt(kept: int) -> str:
        head, tail = pieces[: (kept + 1) // 2], pieces[len(pieces) - kept // 2 :]
        return joint.join([*head, CUT, *tail])

    low, high = 0, len(pieces) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if fits(attempt(middle)):
            low = middle
        else:
            high = middle - 1
    return attempt(low) if low else ""
