"""Numbers as text: one way to write percentages, minus signs, durations, missing values; words."""

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


def float_or_nan(value: float | None) -> float:
    """A figure of a JSON file, in which NaN is null."""
    return math.nan if value is None else float(value)


def is_known(value: float | None) -> bool:
    """Whether a figure is there and finite."""
    return value is not None and math.isfinite(value)


def percent(value: Any, digits: int = 1) -> str:
    """A score as percent, with a true minus sign; an en dash where there is none."""
    return DASH if value is None else decimal(100 * value, digits)


def points(value: float | None) -> str:
    """A difference of scores in points, with its sign."""
    text = percent(value)
    return f"+{text}" if value is not None and value > 0 and text[0].isdigit() else text


def percent_interval(low: Any, high: Any) -> str:
    """The bounds of a score's interval as percents: ``[48.2, 55.9]``."""
    return f"[{percent(low)}, {percent(high)}]"


def decimal(value: Any, digits: int = 3) -> str:
    """A number with a true minus sign; an en dash where there is none."""
    return f"{value:.{digits}f}".replace("-", MINUS) if is_known(value) else DASH


def duration(seconds: float) -> str:
    """A time to wait, roughly: ``40 s``, ``7 min``."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
