"""Figures as text for people: one way to write a percentage, a minus sign, a missing value."""

from __future__ import annotations

import math
from typing import Any

DASH = "–"
MINUS = "−"


def percent(value: Any, digits: int = 1) -> str:
    """A score as percent, with a true minus sign; an en dash where there is none."""
    return DASH if value is None else decimal(100 * value, digits)


def decimal(value: Any, digits: int = 3) -> str:
    """A number with a true minus sign; an en dash where there is none."""
    if value is None or not math.isfinite(value):
        return DASH
    return f"{value:.{digits}f}".replace("-", MINUS)
