"""The number or the text that a model's answer to a num or open question gives, or None."""

from __future__ import annotations

import re

from tst.benchmarks.values import parse_number
from tst.core.metrics import normalise_text
from tst.pruning.model_answers.final_answer import (
    DENIAL,
    NUMBER_WORDS,
    final_parts,
    first_sentence,
    plain_speech,
    stated_answers,
    without_markup,
)

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w)")
_NUMBER_WORD = re.compile(rf"\b({'|'.join(NUMBER_WORDS)})\b", re.IGNORECASE)


def parse_value(text: str) -> float | None:
    """The number that a text answers with, None where it gives none or several."""
    for part in final_parts(text):
        if (number := _single_number(part)) is not None:
            return number
    text = plain_speech(text)
    answers = stated_answers(text)
    if any(DENIAL.search(first_sentence(rest)) for rest in answers):
        return None
    stated = [_numbers(rest.partition("\n")[0]) or _numbers(rest) for rest in answers]
    firsts = {numbers[0] for numbers in stated if numbers}
    return firsts.pop() if len(firsts) == 1 else None


def parse_text(text: str) -> str | None:
    """An open question's answer: what is marked or stated, else the whole text; None if empty."""
    *marked, spoken = final_parts(text)
    if marked and marked[0].strip():
        return marked[0].strip()
    text = plain_speech(spoken)
    stated = [rest.partition("\n")[0].strip(" .\"'") for rest in stated_answers(text)]
    answers = {normalise_text(answer): answer for answer in stated if answer}
    if answers:
        return answers.popitem()[1] if len(answers) == 1 else None
    return text.strip() or None


def _single_number(text: str) -> float | None:
    """The one number of a text that denies nothing."""
    if DENIAL.search(text):
        return None
    numbers = set(_numbers(without_markup(text)))
    return numbers.pop() if len(numbers) == 1 else None


def _numbers(text: str) -> list[float]:
    """Numbers in a text in order, number words too."""
    spelled = _NUMBER_WORD.sub(lambda m: NUMBER_WORDS[m[1].lower()], text)
    found = [parse_number(m[0]) for m in _NUMBER.finditer(spelled) if m[0]]
    return [number for number in found if number is not None]
