"""The scores of single answers: mean relative accuracy, text match, probability of the gold option.

All functions are vectorised over questions and never guess: no answer scores 0, and an impossible
score is NaN.
"""

from __future__ import annotations

import math
import re
import string
from functools import lru_cache

import numpy as np

from tst.core.number_text import MINUS

MRA_STEPS = np.arange(1, 11)
"""j of the ten thresholds |error| / |gold| < j / 20, that is 1 - t for t in .95, .90, ..., .50."""

TOLERANCE = 1e-9
"""Relative width around equality in which 20 |error| counts as equal to j |gold|."""

APART = 4 * TOLERANCE
"""Relative distance from which two interval ends are two: a number between them is inside both."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans(dict.fromkeys(string.punctuation, " "))
_TERM = r"(?:\d+(?:\.\d+)?[a-z]?|[a-z])"
_FORMULA = re.compile(rf"[=<>^]|(?<!\w){_TERM}\s*[-+*/]\s*{_TERM}(?!\w)", re.IGNORECASE)
"""A formula has a relation or a power, or an operator between numbers and single letters."""
_NO_PART_OF_FORMULA = re.compile(r"[^\w=<>^*/+().,-]")
_SIGN = re.compile(r"(?<![\w.])-(?=\.?\d)")
_NUMBER = re.compile(r"[-+]?(\d+(,\d{3})*(\.\d+)?|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


def mean_relative_accuracy(predicted: np.ndarray, gold: np.ndarray, inclusive: bool) -> np.ndarray:
    """MRA of VSI-Bench (Yang et al., 2024), element by element; shapes broadcast.

    The mean over t in {.50, .55, ..., .95} of 1[|predicted - gold| / |gold| < 1 - t]; ``<=`` when
    ``inclusive`` (the benchmark's official scorer). Gold 0 scores 1 only for a predicted 0; a
    missing prediction (NaN) scores 0.
    """
    predicted, gold = np.asarray(predicted, dtype=float), np.asarray(gold, dtype=float)
    with np.errstate(over="ignore"):
        gap, size = 20.0 * np.abs(predicted - gold), np.abs(gold)
    exact = np.where(gap > 0, np.inf, gap)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        steps = np.where(size > 0, gap / size, exact)
    # how many of the thresholds j = 1..10 do not exceed ``steps`` or, inclusive, do not reach it;
    # fmin passes over NaN, so that a missing prediction misses all ten
    if inclusive:
        missed = np.ceil(np.fmax(np.fmin(steps * (1.0 - TOLERANCE), 11.0), 1.0)) - 1.0
    else:
        missed = np.floor(np.fmin(steps * (1.0 + TOLERANCE), 10.0))
    return (10.0 - missed) / 10.0


def best_constant(gold: np.ndarray, inclusive: bool) -> float:
    """The number that maximises the mean MRA over ``gold``; NaN when there is none.

    Exact: each answer g scores j tenths inside the interval g (1 -+ j / 20), open or, when
    ``inclusive``, closed; the sweep over all interval ends finds what is covered most: a stretch
    between two ends, or an end. Of equally good ones the lowest.
    """
    gold = np.asarray(gold, dtype=float)
    if not len(gold):
        return math.nan
    nonzero = gold[gold != 0.0]
    zeros = len(gold) - len(nonzero)
    if not len(nonzero):
        return 0.0
    reach = np.abs(nonzero)[:, None] * MRA_STEPS / 20.0
    ends = _merge_close(np.stack([nonzero[:, None] - reach, nonzero[:, None] + reach]))
    starts, stops = np.sort(ends[0], axis=None), np.sort(ends[1], axis=None)
    points = np.unique(ends)
    stopped = np.searchsorted(stops, points, "left" if inclusive else "right")
    covered = np.searchsorted(starts, points, "right") - stopped
    best = int(np.argmax(covered))
    if zeros * len(MRA_STEPS) >= covered[best]:
        return 0.0
    if inclusive:
        return float(points[best])
    low, high = points[best : best + 2]
    apart = APART * abs(low), APART * abs(high)
    inside = nonzero[(nonzero - low > apart[0]) & (high - nonzero > apart[1])]
    return float(np.median(inside)) if len(inside) else float((low + high) / 2.0)


def _merge_close(ends: np.ndarray) -> np.ndarray:
    """Ends that are equal but for rounding (1.6 * 1.05 and 2.8 * 0.6) become one number."""
    order = np.argsort(ends, axis=None, kind="stable")
    values = ends.ravel()[order]
    new = np.append(True, np.diff(values) > APART * np.abs(values[1:]))
    merged = np.empty_like(values)
    merged[order] = values[new][np.cumsum(new) - 1]
    return merged.reshape(ends.shape)


def as_number(text: str) -> float | None:
    """The number that the whole text is, thousands separators and a percent or $ sign allowed."""
    stripped = text.replace(MINUS, "-").strip().strip("$%").strip().rstrip(".")
    return float(stripped.replace(",", "")) if _NUMBER.fullmatch(stripped) else None


def normalise_text(text: str) -> str:
    """Case folded, without punctuation and articles, single spaces (as SQuAD's scorer).

    Articles stay where nothing else is left: "A" may be the answer. A formula keeps its operators
    and loses its spaces: "y = x+1" is not "y=x-1". A number keeps its sign: "-3 cm" is not "3 cm".
    """
    text = text.replace(MINUS, "-")
    if _FORMULA.search(text):
        return _NO_PART_OF_FORMULA.sub("", text.casefold()).strip(".,")
    plain = _SIGN.sub(MINUS, text).casefold().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", plain).split() or plain.split())


@lru_cache(maxsize=65_536)
def answer_key(text: str) -> str:
    """What equal answers share: the number, else the text without case, marks and articles."""
    number = as_number(text)
    return f"{number:.9g}" if number is not None else normalise_text(text) or text.strip()


def text_matches(predicted: str | None, accepted: list[str]) -> bool:
    """Whether an answer equals an accepted one; numbers are compared as numbers."""
    if predicted is None:
        return False
    number, text = as_number(predicted), normalise_text(predicted)
    for gold in accepted:
        gold_number = as_number(gold)
        if number is not None and gold_number is not None:
            if math.isclose(number, gold_number, rel_tol=1e-9):
                return True
        elif (text and text == normalise_text(gold)) or predicted.strip() == gold.strip():
            return True
    return False


def score_options(
    probabilities: list[np.ndarray | None], gold: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """p_gold, 1[argmax is gold] and margin (p_gold - largest other) of n mc questions.

    probabilities: per question (n_options,), summing to 1; None or non-finite scores NaN
    gold: int array (n,), the gold option of each
    Ties go to the lowest index.
    """
    gold = np.asarray(gold, dtype=int)
    given = np.array([p is not None for p in probabilities], dtype=bool)
    sizes = np.array([0 if p is None else len(p) for p in probabilities], dtype=int)
    flat = np.concatenate([np.zeros(0), *(p for p in probabilities if p is not None)])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    given[owner[~np.isfinite(flat)]] = False
    width = max(int(sizes.max(initial=2)), int(gold.max(initial=0)) + 1)
    padded = np.full((len(sizes), width), -np.inf)
    padded[owner, np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)] = flat
    padded[~given] = -np.inf
    rows = np.arange(len(sizes))
    p_gold = np.where(given, padded[rows, gold], np.nan)
    hard = np.where(given, padded.argmax(axis=1) == gold, np.nan)
    others = padded.copy()
    others[rows, gold] = -np.inf
    margin = np.where(given, p_gold - others.max(axis=1), np.nan)
    return p_gold, hard, margin
