"""Numbers as text: one way to write a percentage, a minus sign, a missing value; number words."""

from __future__ import annotations

import math
from typing import Any

DASH = "–"
MINUS = "−"
_TO_TWENTY = """zero one two three four five six seven eight nine ten eleven twelve thirteen
fourteen fifteen sixteen seventeen eighteen nineteen twenty"""
_TENS = "thirty forty fifty sixty seventy eighty ninety"

NUMBER_WORDS = {
    **{word: value for value, word in enumerate(_TO_TWENTY.split())},
    **{word: 10 * tens for tens, word in enumerate(_TENS.split(), 3)},
}
"""Word to value: zero to twenty, and the tens to ninety."""


def percent(value: Any, digits: int = 1) -> str:
    """A score as percent, with a true minus sign; an en dash where there is none."""
    return DASH if value is None else decimal(100 * value, digits)


def decimal(value: Any, digits: int = 3) -> str:
    """A number with a true minus sign; an en dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:.{digits}f}".replace("-", MINUS)
