"""From a model's scores of choices to probabilities: a temperature and a share of the prior.

p = (1 - share) softmax(score / temperature + log prior) + share prior

A high temperature leaves the prior, so that a model that knows nothing says what counting says.
Where nothing is counted (zero-shot, letters) the prior is uniform over the choices that there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

TEMPERATURES = np.geomspace(0.25, 16.0, 49)
SHARES = np.linspace(0.0, 1.0, 21)
FEW = 50
"""Validation questions below which the fit is drawn towards temperature 1 and no prior."""
LEAST = 1e-12


@dataclass(frozen=True)
class Calibration:
    """How scores of choices become probabilities; by default softmax(score + log prior)."""

    temperature: float = 1.0
    share: float = 0.0

    def probabilities(self, scores: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """float array (..., choices) that sums to 1; a choice whose prior is 0 is none."""
        with np.errstate(divide="ignore"):
            z = np.where(prior > 0, scores, 0.0) / self.temperature + np.log(prior)
        z = z - z.max(axis=-1, keepdims=True)
        p = np.exp(z)
        p /= p.sum(axis=-1, keepdims=True)
        mixed: np.ndarray = (1.0 - self.share) * p + self.share * prior
        return mixed


@dataclass
class Choices:
    """Scores of n questions' choices, padded to the most choices that one has.

    scores: float array (n, choices); prior: the same, rows sum to 1, 0 where there is no choice
    goals: the same, rows sum to 1: where the answers lie
    """

    scores: np.ndarray
    prior: np.ndarray
    goals: np.ndarray

    def probabilities(self, how: Calibration) -> np.ndarray:
        """float array (n, choices)."""
        return how.probabilities(self.scores, self.prior)


def log_likelihoods(p: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """float array (n,): expected log-probability of each answer; both arrays (n, choices)."""
    found: np.ndarray = (goals * np.log(np.maximum(p, LEAST))).sum(axis=-1)
    return found


def pad_choices(
    scores: Sequence[np.ndarray], prior: Sequence[np.ndarray], goals: Sequence[np.ndarray]
) -> Choices:
    """Rows of unequal numbers of choices as arrays."""
    width = max(map(len, scores), default=1)
    arrays = []
    for rows in (scores, prior, goals):
        padded = np.zeros((len(rows), width))
        for i, row in enumerate(rows):
            padded[i, : len(row)] = row
        arrays.append(padded)
    return Choices(*arrays)


def fit_calibration(choices: Choices) -> Calibration:
    """The most likely temperature and share of prior, by a grid.

    Both are drawn towards (1, 0): normal priors on log temperature (sd 0.5) and share (sd 1/3),
    which weigh little with many questions, and more than they would below FEW.
    """
    n = len(choices.scores)
    if not n:
        return Calibration()
    pull = 0.5 * max(1.0, FEW / n)
    best, found = -np.inf, Calibration()
    for temperature in TEMPERATURES:
        plain = Calibration(float(temperature)).probabilities(choices.scores, choices.prior)
        for share in SHARES:
            p = (1.0 - share) * plain + share * choices.prior
            total = (choices.goals * np.log(np.maximum(p, LEAST))).sum()
            total -= pull * (4.0 * np.log(temperature) ** 2 + 9.0 * share**2)
            if total > best:
                best, found = total, Calibration(float(temperature), float(share))
    return found


def fit_mixture(first: np.ndarray, second: np.ndarray, goals: np.ndarray) -> float:
    """The share of ``second`` in the most likely mixture, drawn towards one half.

    All arrays are (n, choices).
    """
    pull = 8.0 * max(1.0, FEW / max(len(goals), 1))
    totals = [
        log_likelihoods((1.0 - share) * first + share * second, goals).sum()
        - pull * (share - 0.5) ** 2
        for share in SHARES
    ]
    return float(SHARES[int(np.argmax(totals))])
