"""Answers that are one of two opposites: yes and no, true and false, in several languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tst.benchmarks.values import plain_text

PAIRS: tuple[tuple[str, str], ...] = (
    ("yes", "no"), ("true", "false"), ("correct", "incorrect"), ("right", "wrong"),
    ("是", "否"), ("是", "不是"), ("是的", "不是"), ("对", "错"), ("对", "不对"), ("正确", "错误"),
    ("有", "没有"), ("√", "×"), ("はい", "いいえ"), ("ja", "nein"), ("oui", "non"), ("sí", "no"),
    ("да", "нет"),
)  # fmt: skip
"""(affirmative, negative); the first pair that both of a type's answers belong to is meant."""

MIXED = PAIRS[:2]
"""Pairs whose words may stand in one column without meaning anything else."""

SHORT = {"y": "yes", "n": "no", "t": "true", "f": "false"}

DIGITS = {"1": "yes", "1.0": "yes", "0": "no", "0.0": "no"}

_POSITIVE = {pair[0] for pair in PAIRS}
_NEGATIVE = {pair[1] for pair in PAIRS}
_POLAR = re.compile(
    r"(?:^|[.,:;!?。，]\s*|\n\s*)(?:is|are|was|were|am|do|does|did|can|could|has|have|had|will|would|"
    r"shall|should|may|might|must|isn't|aren't|doesn't|don't|didn't|can't|true or false)\b"
    r"|(?:吗|么|是否|是不是|有没有)",
    re.IGNORECASE,
)


def polar_word(answer: Any) -> str:
    """A gold cell as one of the words of ``PAIRS``; empty for anything else."""
    text = plain_text(answer)
    if len(text) > 12:
        return ""
    word = text.casefold().rstrip(".!。")
    word = SHORT.get(word, word)
    return word if word in _POSITIVE or word in _NEGATIVE else ""


def choose_pair(words: Sequence[str]) -> tuple[str, str] | None:
    """The first pair that all of these words belong to; None where there is none.

    Of yes, no, true and false together it is the more frequent pair.
    """
    present = set(words)
    whole = next((pair for pair in PAIRS if present and present <= set(pair)), None)
    if whole is None and present and present <= {word for pair in MIXED for word in pair}:
        return max(MIXED, key=lambda pair: sum(word in pair for word in words))
    return whole


def same_sense(word: str, pair: tuple[str, str]) -> str:
    """The word of a pair that says the same as a word of another pair."""
    return word if word in pair else pair[0] if word in _POSITIVE else pair[1]


def is_yes_no(options: Sequence[str]) -> bool:
    """Whether two options are a pair of opposites, in any order."""
    if len(options) != 2:
        return False
    first, second = (option.casefold().rstrip(".") for option in options)
    return (first, second) in PAIRS or (second, first) in PAIRS


def find_polarity(text: str, options: Sequence[str]) -> int | None:
    """Which of two opposite options a gold of the same sense in other words is; 1 is the positive.

    ``True``, ``y`` and ``1`` are yes, ``False``, ``n`` and ``0`` are no.
    """
    if len(options) != 2 or not is_yes_no(options):
        return None
    word = polar_word(text)
    if text in ("1", "1.0") or word in _POSITIVE:
        wanted = _POSITIVE
    elif text in ("0", "0.0") or word in _NEGATIVE:
        wanted = _NEGATIVE
    else:
        return None
    folded = [option.casefold().rstrip(".") for option in options]
    return next((i for i, option in enumerate(folded) if option in wanted), None)


def is_polar(question: str) -> bool:
    """Whether a sentence of the question asks for yes or no by its first word."""
    return _POLAR.search(question) is not None
