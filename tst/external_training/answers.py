"""One answer of a file of predictions: log-probabilities by letter, a value, or a text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tst.diagnostics.llm.prompting.prompts import LETTERS, parse_number

LOG_PROBABILITIES, VALUE, TEXT = "logprobs", "value", "text"
ANSWERS = (LOG_PROBABILITIES, VALUE, TEXT)
SHOWN = 40
"""Characters of an unreadable number in a message."""
TOLERANCE = 1e-3
"""By how much probabilities may sum to more than 1: APIs round log-probabilities."""


def option_probabilities(
    logprobs: Mapping[str, float], n_options: int
) -> tuple[np.ndarray, float, int]:
    """Probabilities (n_options,) that sum to 1, the letters' mass, and how many were not given.

    A letter that is not given gets an equal share of the mass that the given ones leave over.
    Raises ValueError for what are no log-probabilities of letters.
    """
    letters = LETTERS[:n_options]
    given: dict[str, float] = {}
    for key, value in logprobs.items():
        letter = str(key).strip().upper()
        if letter in given:
            raise ValueError(f"letter {letter!r} twice")
        given[letter] = read_number(value)
    if unknown := sorted(set(given) - set(letters)):
        raise ValueError(f"letter {unknown[0]!r} of {n_options} options")
    if not given or any(math.isnan(v) or v > TOLERANCE for v in given.values()):
        raise ValueError("log-probabilities are numbers of at most 0")
    known = np.array([math.exp(given[x]) if x in given else math.nan for x in letters])
    absent = np.isnan(known)
    mass = float(known[~absent].sum())
    if mass > 1 + TOLERANCE:
        raise ValueError(f"the probabilities of the letters add up to {mass:.3f}")
    if absent.any():
        known[absent] = max(0.0, 1.0 - mass) / absent.sum()
    total = float(known.sum())
    if total <= 0:
        raise ValueError("every letter has probability 0")
    return known / total, min(mass, 1.0), int(absent.sum())


def read_choice(given: Mapping[str, Any], n_options: int) -> tuple[np.ndarray, float, int]:
    """An mc answer: log-probabilities by letter (an object or its JSON text), or a letter."""
    stated = given[LOG_PROBABILITIES]
    if isinstance(stated, str):
        try:
            stated = json.loads(stated)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(
                f"mc: expected {LOG_PROBABILITIES} as JSON, with double quotes, not {stated[:20]!r}"
            ) from error
    if isinstance(stated, Mapping):
        present = {k: v for k, v in stated.items() if v is not None}
        return option_probabilities(present, n_options)
    letter = str(given[TEXT] or "").strip().rstrip(".").upper()
    if letter in LETTERS[:n_options] and len(letter) == 1:
        p, _, _ = option_probabilities(
            {x: 0.0 if x == letter else -math.inf for x in LETTERS[:n_options]}, n_options
        )
        return p, math.nan, 0
    raise ValueError(f"mc: expected {LOG_PROBABILITIES} by letter, or a letter as {TEXT}")


def read_value(given: Mapping[str, Any]) -> float:
    """A num answer: a value, or a text with a number in it; NaN where there is none."""
    stated = given[VALUE]
    if stated is None or (isinstance(stated, float) and math.isnan(stated)):
        return parse_number(str(given[TEXT] or ""))
    value = read_number(stated)
    return value if math.isfinite(value) else math.nan


def read_number(stated: Any) -> float:
    """A number, or the text of one. Raises ValueError for anything else."""
    if isinstance(stated, int | float | str) and not isinstance(stated, bool):
        try:
            return float(stated)
        except (OverflowError, ValueError):
            pass
    raise ValueError(f"expected a number, not {repr(stated)[:SHOWN]}")


def read_whole(stated: Any) -> int:
    """A whole number, or the text of one, as a repeat or fold. Raises ValueError for others."""
    value = read_number(stated)
    if not value.is_integer():
        raise ValueError(f"expected a whole number, not {stated!r}")
    return int(value)
