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
LOG_TEMPERATURE_SD, SHARE_SD = 1.0, 0.5
"""How far from (1, 0) temperature and share are expected, before any question is seen."""
LEAST = 1e-12

Evidence = dict[str, "Choices"]
"""Validation questions' scores by what is scored: mc, num, and num_text of the same questions."""


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


def join_choices(parts: Sequence[Choices]) -> Choices:
    """Rows of several arrays, one after the other."""
    return pad_choices(
        [row for part in parts for row in part.scores],
        [row for part in parts for row in part.prior],
        [row for part in parts for row in part.goals],
    )


def fit_calibration(choices: Choices) -> Calibration:
    """Temperature and share of prior: their posterior means given the answers, by a grid.

    Log temperature is normal around 0 and the share half-normal beforehand, so that few questions
    leave a calibration near (1, 0). Beside all these stands, at even odds, that the scores say
    nothing beyond the prior (spike and slab: Mitchell & Beauchamp, 1988): a model that has learned
    nothing is left with a share near 1 instead of a sure opinion.
    """
    if not len(choices.scores):
        return Calibration()
    by_temperature = np.stack([choices.probabilities(Calibration(float(t))) for t in TEMPERATURES])
    totals = np.stack(
        [
            log_likelihoods((1.0 - a) * by_temperature + a * choices.prior, choices.goals).sum(1)
            for a in SHARES
        ],
        axis=1,
    )
    expected = -0.5 * (np.log(TEMPERATURES) / LOG_TEMPERATURE_SD)[:, None] ** 2
    expected = expected - 0.5 * (SHARES / SHARE_SD)[None, :] ** 2
    expected = expected - np.log(np.exp(expected).sum())
    by_prior = log_likelihoods(choices.prior, choices.goals).sum()
    posterior = totals + expected
    largest = max(float(posterior.max()), float(by_prior))
    weights = np.exp(posterior - largest)
    evidence, nothing = weights.sum(), np.exp(by_prior - largest)
    weights /= evidence
    useless = nothing / (nothing + evidence)
    temperature = np.exp(weights.sum(1) @ np.log(TEMPERATURES))
    share = useless + (1.0 - useless) * (weights.sum(0) @ SHARES)
    return Calibration(float(temperature), float(share))


def fit_mixture(first: np.ndarray, second: np.ndarray, goals: np.ndarray) -> float:
    """The share of ``second`` in a mixture, its posterior mean; every share was as likely before.

    All arrays are (n, choices).
    """
    totals = np.array(
        [log_likelihoods((1.0 - share) * first + share * second, goals).sum() for share in SHARES]
    )
    weights = np.exp(totals - totals.max())
    return float(weights @ SHARES / weights.sum())


def calibrate(parts: Sequence[Evidence]) -> tuple[dict[str, Calibration], float]:
    """One calibration for all adapters whose evidence is given, and the texts' share of numbers."""
    kinds = dict.fromkeys(kind for part in parts for kind in part)
    joined = {kind: join_choices([part[kind] for part in parts if kind in part]) for kind in kinds}
    calibrations = {kind: fit_calibration(choices) for kind, choices in joined.items()}
    text_share = 0.5
    if "num" in joined:
        by_head, by_text = (joined[k].probabilities(calibrations[k]) for k in ("num", "num_text"))
        text_share = fit_mixture(by_head, by_text, joined["num"].goals)
    return calibrations, text_share


def expected_log_likelihoods(
    evidence: Evidence, calibrations: dict[str, Calibration], text_share: float
) -> np.ndarray:
    """float array (n,): of the answers to all questions of the evidence, as they would be read."""
    found = [np.empty(0)]
    for kind, choices in evidence.items():
        if kind == "num_text":
            continue
        p = choices.probabilities(calibrations[kind])
        if kind == "num":
            by_text = evidence["num_text"].probabilities(calibrations["num_text"])
            p = (1.0 - text_share) * p + text_share * by_text
        found.append(log_likelihoods(p, choices.goals))
    return np.concatenate(found)
