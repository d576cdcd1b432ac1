"""Cells that are one number: with units, percent, fractions, thousands, currencies."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tst.benchmarks.values import parse_number, plain_text
from tst.core.units import CURRENCIES, canonical_unit

POINT, COMMA = ".", ","
SIGNS = {"point": POINT, "comma": COMMA, POINT: POINT, COMMA: COMMA}
"""What ``benchmark.decimal`` may say."""

MAX_TEXT = 100

_MINUS = str.maketrans({"−": "-", "–": "-", "﹣": "-", "－": "-", "\u00a0": " ", "\u202f": " ",
                        "\u2009": " ", "’": "'", "％": "%", "，": ",", "．": "."})  # fmt: skip
_PARTED = re.compile(
    rf"(?P<before>[{re.escape(CURRENCIES)}]\s?)?(?P<sign>[+-]\s?)?"
    rf"(?P<currency>[{re.escape(CURRENCIES)}]\s?)?"
    r"(?P<body>\d[\d.,' ]*\d\.?|\d\.?|[.,]\d+)"
    r"(?P<power>[eE][+-]?\d+|\s?[x×*]\s?10\^?\{?(?P<ten>[+-]?\d+)\}?)?"
    r"(?P<fraction>\s?/\s?\d+)?\s*(?P<unit>[^\d\s].{0,30})?"
)
_THOUSANDS = {
    POINT: re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?|\d*\.?\d*"),
    COMMA: re.compile(r"\d{1,3}(\.\d{3})+(,\d*)?|\d*,?\d*"),
}
_SPACED = re.compile(r"\d{1,3}([ ']\d{3})+(?=[.,]|$)")
_WHOLE_AND = re.compile(r"(\d+) (\d+)$")
_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8"}
_WORD = re.compile(r"[^\W\d_]+(?:[ -][^\W\d_]+)?\.?")


@dataclass(frozen=True)
class Number:
    """A number as a cell writes it.

    body: digits with their decimal and thousands signs, not yet told apart; empty where ``value``
        is known without
    power: of ten
    below: the denominator of a fraction, else 1
    unit: canonical where it is known, else the word behind the number; empty for none
    known: whether the unit is one that is known
    """

    body: str
    negative: bool = False
    power: int = 0
    below: int = 1
    unit: str = ""
    known: bool = True
    value: float | None = None

    def read(self, decimal: str) -> float | None:
        """The number, with ``decimal`` as its decimal sign; None where it is none then."""
        if self.value is not None:
            return self.value
        body, whole = self.body, 0.0
        if _SPACED.match(body):
            body = body.replace(" ", "").replace("'", "")
        elif self.below != 1 and (parts := _WHOLE_AND.match(body)):
            whole, body = float(parts[1]), parts[2]
        if not _THOUSANDS[decimal].fullmatch(body):
            return None
        other = COMMA if decimal == POINT else POINT
        number = float(body.replace(other, "").replace(decimal, ".").rstrip(".") or "nan")
        if self.below == 0:
            return None
        number = whole + number / self.below
        try:
            number = (-number if self.negative else number) * 10.0**self.power
        except OverflowError:
            return None
        return number if math.isfinite(number) else None


def parse_number_cell(value: Any) -> Number | None:
    """The parts of a cell that is one number, perhaps with a unit; None for all other cells."""
    if value is None or isinstance(value, int | float):
        number = parse_number(value)
        return None if number is None else Number("", value=number)
    text = plain_text(value)
    return _parse_text(text) if 0 < len(text) <= MAX_TEXT else None


@lru_cache(maxsize=65_536)
def _parse_text(text: str) -> Number | None:
    text = text.translate(_MINUS)
    if text.startswith("$") and text.endswith("$") and len(text) > 2:
        text = text[1:-1].strip()
    for sign, written in _VULGAR.items():
        if sign in text:
            text = text.replace(sign, f" {written}").strip()
    match = _PARTED.fullmatch(text)
    if match is None:
        return None
    power = 0
    if match["power"]:
        power = int(match["ten"] or match["power"][1:])
    if abs(power) > 400:
        return None
    below = int(match["fraction"].strip(" /")) if match["fraction"] else 1
    unit, known = (match["before"] or match["currency"] or "").strip(), True
    if behind := (match["unit"] or "").strip():
        unit, known = _unit_of(behind)
        apart = text[match.start("unit") - 1].isspace()
        if not unit or not (known or apart or _is_counter(behind)):
            return None  # "7th"
    negative = (match["sign"] or "").strip() == "-"
    return Number(match["body"], negative, power, below, unit, known)


def _unit_of(text: str) -> tuple[str, bool]:
    """A unit and whether it is known; ("", False) for what is none."""
    text = text.strip("()[] ")
    unit = canonical_unit(text.rstrip(".")) or canonical_unit(text)
    if unit:
        return unit, True
    if (len(text) > 1 and _WORD.fullmatch(text)) or _is_counter(text):
        return text.rstrip(".").casefold().removesuffix("s"), False
    return "", False


def _is_counter(text: str) -> bool:
    """Whether this is one Chinese or Japanese character, as they stand behind counts."""
    return len(text) == 1 and "\u3400" <= text <= "\u9fff"
