"""How often each option position is right, by question type and number of options: plain counting.

A type's counts are shrunk to those of all types, and these to uniform. Both strengths are fitted by
the Dirichlet-multinomial likelihood of the training answers (empirical Bayes: Minka, "Estimating a
Dirichlet distribution", 2000): plain counts plus one say more than a small type's counts know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

STRENGTHS = (0.1, 1e5)
"""Pseudo-counts between which a strength is sought; the upper end ignores the counts."""


@dataclass(frozen=True)
class AnswerPrior:
    """Position probabilities, from the training rows of a fold alone.

    by_type: (type, number of options) -> float array (number of options,)
    overall: number of options -> float array, for a type not seen with this number
    """

    by_type: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)
    overall: dict[int, np.ndarray] = field(default_factory=dict)

    def probabilities(self, question_type: str, n_options: int) -> np.ndarray:
        """float array (n_options,) that sums to 1; uniform where nothing is known."""
        known = self.by_type.get((question_type, n_options), self.overall.get(n_options))
        return np.full(n_options, 1.0 / n_options) if known is None else known

    def to_plain(self) -> dict[str, Any]:
        """As lists for JSON."""
        by_type = [[kind, p.tolist()] for (kind, _), p in self.by_type.items()]
        return {"by_type": by_type, "overall": [p.tolist() for p in self.overall.values()]}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> AnswerPrior:
        """What ``to_plain`` gave."""
        by_type = {(kind, len(p)): np.array(p) for kind, p in plain["by_type"]}
        return cls(by_type, {len(p): np.array(p) for p in plain["overall"]})


def fit_answer_prior(
    types: Iterable[str], n_options: Iterable[int], answers: Iterable[int]
) -> AnswerPrior:
    """The prior of mc questions; one entry per training question in each."""
    counts: dict[tuple[str, int], np.ndarray] = {}
    for question_type, size, answer in zip(types, n_options, answers, strict=True):
        key = (str(question_type), int(size))
        counts.setdefault(key, np.zeros(key[1]))[int(answer)] += 1.0
    totals: dict[int, np.ndarray] = {}
    for (_, size), row in counts.items():
        totals[size] = totals.get(size, np.zeros(size)) + row
    uniform = {size: np.full(size, 1.0 / size) for size in totals}
    strength = _fit_strength([(row, uniform[size]) for size, row in totals.items()])
    overall = {size: _shrink(row, uniform[size], strength) for size, row in totals.items()}
    strength = _fit_strength([(row, overall[size]) for (_, size), row in counts.items()])
    by_type = {key: _shrink(row, overall[key[1]], strength) for key, row in counts.items()}
    return AnswerPrior(by_type, overall)


def _shrink(counts: np.ndarray, towards: np.ndarray, strength: float) -> np.ndarray:
    shrunk: np.ndarray = (counts + strength * towards) / (counts.sum() + strength)
    return shrunk


def _fit_strength(rows: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Pseudo-counts that make the counts most likely, each row with its own base probabilities."""
    if not rows:
        return STRENGTHS[1]
    low, high = np.log(STRENGTHS)
    found = minimize_scalar(
        lambda s: -sum(_log_likelihood(counts, np.exp(s) * base) for counts, base in rows),
        bounds=(low, high),
        method="bounded",
    )
    return float(np.exp(found.x))


def _log_likelihood(counts: np.ndarray, pseudo: np.ndarray) -> float:
    """Dirichlet-multinomial log-likelihood of a sequence of answers with these counts."""
    total = pseudo.sum()
    parts = gammaln(counts + pseudo) - gammaln(pseudo)
    return float(gammaln(total) - gammaln(counts.sum() + total) + parts.sum())
