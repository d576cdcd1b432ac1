"""The number that a model's answer to a numeric question gives, or none: never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tst.core.number_text import NUMBER_WORDS
from tst.core.units import CURRENCIES, unit_behind
from tst.pruning.model_answers.final_answer import (
    DENIAL,
    concluded_answers,
    first_sentence,
    marked_answers,
    spoken_part,
    stated_answers,
    without_markup,
)
from tst.pruning.model_answers.readings import AMBIGUOUS, Reading, agreed, ambiguous, unparsed

# digits are taken whole: "2.3m" must not be read as 2
_NUMBER = re.compile(
    rf"(?<![\w.,/:^])(?P<sign>[-+])?(?P<currency>[{re.escape(CURRENCIES)}])?"
    r"(?P<digits>(?>\d{1,3}(?:,\d{3})++(?![\d,])|\d++)?(?>\.\d++)?)(?P<power>[eE][-+]?\d++)?"
)
_ARITHMETIC = re.compile(r"(?:[\d.,]+\s*[-+*/×÷·x]\s*)+[\d.,]+\s*=\s*")
_FRACTION = re.compile(r"(?:\s(?P<above>\d+))?/(?P<below>0*[1-9]\d*)(?![\d/.])")
_PART_OF_WORD = re.compile(r"\w|:\d")
_UNCLEAR = re.compile(r"\^|[,./]\d|\s?[×x*]\s?10\b")
_EXPLAINED = re.compile(
    r"^\s*(?:[(;]|because\b|since\b|as\b|,?\s*(?:given|based)\b)", re.IGNORECASE
)
_TENS = "|".join(word for word, value in NUMBER_WORDS.items() if value >= 20)
_UNITS = "|".join(word for word, value in NUMBER_WORDS.items() if 1 <= value <= 9)
_COMPOUND = re.compile(rf"\b({_TENS})[- ]({_UNITS})\b", re.IGNORECASE)
# "the one", "one of them": a pronoun
_WORD = re.compile(
    rf"(?<!\bthe )(?<!\bthis )(?<!\bthat )(?<!\bwhich )(?<!\beach )(?<!\bevery )(?<!\bany )"
    rf"\b(?P<word>{'|'.join(NUMBER_WORDS)})\b(?!(?<=one) (?:of|can|another|should)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Quantity:
    """A number in a text, its unit (canonical, None without one), and where it stands.

    value: None where it has no single reading ("2,5", "3/4 of it", a power of ten)
    """

    value: float | None
    unit: str | None
    start: int
    end: int


def read_number(text: str, unit: str | None = None) -> Reading[float]:
    """The number that a text answers with.

    unit: of the wanted number, where it is known; a number in another unit is no answer, and
        nothing is converted
    """
    spoken = spoken_part(text)
    if marks := marked_answers(spoken):
        last = _agreed(quantities(marks[-1]), unit)
        return (
            last
            if last.answer is None
            else _together([_agreed(quantities(m), unit) for m in marks])
        )
    plain = without_markup(spoken)
    if stated := stated_answers(plain):
        return _together([_read_statement(rest, unit) for rest, _ in stated])
    whole = _agreed(quantities(plain), unit)
    if DENIAL.search(plain):
        return unparsed()
    if whole.state == AMBIGUOUS and (concluded := concluded_answers(plain)):
        return _agreed(quantities(first_sentence(concluded[-1])), unit)
    return whole


def quantities(text: str) -> list[Quantity]:
    """The numbers of a text in order, number words too; results of sums without their terms.

    Numbers inside words ("3D", "2nd") and times of day are left out.
    """
    text = _COMPOUND.sub(lambda m: str(_value(m[1]) + _value(m[2])), text)
    text = _WORD.sub(lambda m: str(_value(m["word"])), text)
    text = _ARITHMETIC.sub("", text)
    found = []
    end = 0
    for match in _NUMBER.finditer(text):
        if not match["digits"] or match.start() < end:
            continue
        digits = match["digits"].replace(",", "")
        number = float((match["sign"] or "") + digits + (match["power"] or ""))
        value: float | None = number
        end = match.end()
        if fraction := _FRACTION.match(text, end):
            value, end = _with_fraction(number, fraction, text[: match.start()]), fraction.end()
        unit = match["currency"]
        if behind := unit_behind(text, end):
            unit, end = behind
        if _UNCLEAR.match(text, end):
            value = None
        if not _PART_OF_WORD.match(text, end):
            found.append(Quantity(value, unit, match.start(), end))
    return found


def _value(word: str) -> int:
    return NUMBER_WORDS[word.lower()]


def _with_fraction(number: float, fraction: re.Match[str], before: str) -> float | None:
    """ "1/2" and "2 1/2" as one number; None where "3/4" follows other words: it may be a count."""
    below = int(fraction["below"])
    if fraction["above"]:
        return number + int(fraction["above"]) / below
    return None if before.strip() else number / below


def _agreed(found: Sequence[Quantity], unit: str | None) -> Reading[float]:
    """The one number among those that may be in the wanted unit."""
    values = [q.value for q in _of_unit(found, unit)]
    return ambiguous() if None in values else agreed([v for v in values if v is not None])


def _of_unit(found: Sequence[Quantity], unit: str | None) -> list[Quantity]:
    """Those that may be in the wanted unit; only those that name it where one does."""
    if unit is None:
        return list(found)
    named = [q for q in found if q.unit == unit]
    others = any(q.unit not in (None, unit) for q in found)
    return named or ([] if others else list(found))


def _read_statement(text: str, unit: str | None) -> Reading[float]:
    """The one number of a statement's first sentence (or next line), or its first if explained."""
    for part in (first_sentence(text), text.strip().partition("\n")[2]):
        found = quantities(part)
        if DENIAL.search(part):
            return ambiguous() if found else unparsed()
        if found:
            one = _agreed(found, unit)
            first = found[0]
            if one.state == AMBIGUOUS and _EXPLAINED.match(part[first.end :]):
                return _agreed([first], unit) if not part[: first.start].strip() else one
            return one
    return unparsed()


def _together(readings: Sequence[Reading[float]]) -> Reading[float]:
    """What several statements say together."""
    if any(r.state == AMBIGUOUS for r in readings):
        return ambiguous()
    return agreed([r.answer for r in readings if r.answer is not None])
