"""Units of measure in text: their spellings, and which one a question asks for."""

from __future__ import annotations

import re
from functools import cache

_LENGTHS = {
    "mm": ("mm", "millimeters", "millimetres", "millimeter", "millimetre"),
    "cm": ("cm", "centimeters", "centimetres", "centimeter", "centimetre"),
    "dm": ("dm", "decimeters", "decimetres", "decimeter", "decimetre"),
    "m": ("m", "meters", "metres", "meter", "metre"),
    "km": ("km", "kilometers", "kilometres", "kilometer", "kilometre"),
    "in": ("in", "inches", "inch"),
    "ft": ("ft", "feet", "foot"),
    "yd": ("yd", "yards", "yard"),
    "mi": ("mi", "miles", "mile"),
}
_POWERS = {
    "²": ("{0}²", "{0}2", "{0}^2", "square {0}", "sq {0}", "sq. {0}", "sq.{0}", "{0} squared"),
    "³": ("{0}³", "{0}3", "{0}^3", "cubic {0}", "cu {0}", "cu. {0}", "{0} cubed"),
}
_OTHERS = {
    "%": ("%", "percent", "per cent", "pct"),
    "°C": ("°C", "degrees celsius", "degree celsius", "celsius"),
    "°F": ("°F", "degrees fahrenheit", "degree fahrenheit", "fahrenheit"),
    "°": ("°", "degrees", "degree", "deg"),
    "ms": ("ms", "milliseconds", "millisecond"),
    "s": ("s", "secs", "sec", "seconds", "second"),
    "min": ("min", "mins", "minutes", "minute"),
    "h": ("h", "hrs", "hr", "hours", "hour"),
    "d": ("days", "day"),
    "weeks": ("weeks", "week"),
    "months": ("months", "month"),
    "years": ("years", "year", "yrs", "yr"),
    "mg": ("mg", "milligrams", "milligram"),
    "g": ("g", "grams", "gram"),
    "kg": ("kg", "kgs", "kilograms", "kilogram", "kilos", "kilo"),
    "t": ("tonnes", "tonne", "tons", "ton"),
    "lb": ("lb", "lbs", "pounds", "pound"),
    "oz": ("oz", "ounces", "ounce"),
    "ml": ("ml", "mL", "milliliters", "millilitres", "milliliter", "millilitre"),
    "l": ("l", "L", "liters", "litres", "liter", "litre"),
    "ha": ("ha", "hectares", "hectare"),
    "acres": ("acres", "acre"),
    "km/h": ("km/h", "kph", "kmh", "kilometers per hour", "kilometres per hour"),
    "mph": ("mph", "miles per hour"),
    "m/s": ("m/s", "meters per second", "metres per second"),
    "$": ("dollars", "dollar", "usd"),
    "€": ("euros", "euro", "eur", "€"),
    "px": ("px", "pixels", "pixel"),
    "Hz": ("Hz", "hertz"),
    "W": ("W", "watts", "watt"),
    "V": ("V", "volts", "volt"),
}
CURRENCIES = "$€£¥"
"""Signs that stand before a number."""


def _spellings() -> dict[str, str]:
    """Every spelling and the unit it stands for."""
    spelled = {s: unit for unit, all_ in {**_LENGTHS, **_OTHERS}.items() for s in all_}
    for power, patterns in _POWERS.items():
        for unit, names in _LENGTHS.items():
            spelled |= {p.format(n): unit + power for p in patterns for n in names}
    return spelled


_UNITS = _spellings()
_BY_LOWER = {s.lower(): unit for s, unit in _UNITS.items()}
_LONGEST_FIRST = sorted(_UNITS, key=len, reverse=True)
_ANY = "|".join(re.escape(s) for s in _LONGEST_FIRST)
# "in" is a word, and these singular nouns are said of other things ("in second place")
_ASKABLE = "|".join(
    re.escape(s)
    for s in _LONGEST_FIRST
    if s not in ("in", "second", "minute", "foot", "yard", "pound") and (len(s) > 1 or s in "m%°")
)


@cache
def _behind_number() -> re.Pattern[str]:
    return re.compile(rf"\s?-?(?P<unit>{_ANY})(?![\w²³^])", re.IGNORECASE)


@cache
def _asked() -> re.Pattern[str]:
    """Compiled where it is first used: that takes as long as a hundredth of a forest's run."""
    return re.compile(
        r"(?:\b(?:in|how many|number of|units?\s*(?:is|are|:|=)?)\s+(?:the\s+)?\(?|\()"
        rf"(?P<unit>{_ASKABLE})(?![\w²³^])"
        rf"(?:\s*(?:or|and|/)\s*(?P<other>{_ASKABLE})(?![\w²³^]))?",
        re.IGNORECASE,
    )


def canonical_unit(spelling: str) -> str | None:
    """The unit that a spelling stands for ("metres": m; "sq. ft": ft²); None where it is none.

    Symbols of one letter keep their case: "5 M" is no length.
    """
    text = " ".join(spelling.split())
    if len(text) == 1:
        return text if text in CURRENCIES else _UNITS.get(text)
    return _UNITS.get(text) or _BY_LOWER.get(text.lower())


def unit_behind(text: str, start: int) -> tuple[str, int] | None:
    """The unit that stands at ``start``, right behind a number, and where it ends; None for none.

    "in" counts as inches only where no word follows: "3 in the room" has no unit.
    """
    match = _behind_number().match(text, start)
    if match is None:
        return None
    unit = canonical_unit(match["unit"])
    if unit is None:
        return None
    apart = text[start : match.start("unit")] != ""
    if match["unit"].lower() == "in" and apart and re.match(r"\s+\w", text[match.end() :]):
        return None
    return unit, match.end()


def asked_unit(question: str) -> str | None:
    """The one unit that a question wants its number in ("in metres", "how many seconds", "(cm)");
    None where it names none or several.
    """
    named = (m[part] for m in _asked().finditer(question) for part in ("unit", "other"))
    units = {canonical_unit(name) for name in named if name} - {None}
    return units.pop() if len(units) == 1 else None
