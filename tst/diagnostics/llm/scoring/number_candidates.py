"""Numbers as choices: the answers that a type's training questions had, as evenly spread quantiles.

A trained head gives each candidate a probability, and so does how likely the model is to write it;
the number answered is the one of the highest expected MRA under a mixture of both (minimum Bayes
risk: Kumar & Byrne, 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tst.core.scoring_rules import ScoringRules

SLOTS = 32
"""Quantiles a type; a slot means the same rank in every type, so that all types share one head."""

NONE = ""
"""The type that stands for all: for questions of a type without training answers."""


@dataclass
class NumberCandidates:
    """The candidates of every type, from the training rows of a fold alone.

    values: type -> float array (SLOTS,), ascending; NaN where equal quantiles share another slot
    masses: type -> float array (SLOTS,), the share of training answers near each; 0 where NaN
    """

    values: dict[str, np.ndarray] = field(default_factory=dict)
    masses: dict[str, np.ndarray] = field(default_factory=dict)

    def of(self, question_type: str) -> tuple[np.ndarray, np.ndarray]:
        """Values and masses (SLOTS,) of a type, of all types where it is unknown."""
        name = question_type if question_type in self.values else NONE
        return self.values[name], self.masses[name]

    def text_scores(self, question_type: str, log_likelihoods: np.ndarray) -> np.ndarray:
        """Scores (SLOTS,) that ``Calibration`` adds log mass to, from how likely each text is.

        A candidate stands for all numbers nearest to it: its likelihood counts times its width.
        """
        values, masses = self.of(question_type)
        known = np.isfinite(values)
        scores = np.zeros(SLOTS)
        scores[known] = log_likelihoods[known] + np.log(_widths(values[known]) / masses[known])
        return scores

    def goals(self, question_type: str, answer: float, rules: ScoringRules) -> np.ndarray:
        """float array (SLOTS,) that sums to 1: what the head is to say of a known answer.

        Candidates share it by the square of what they would score, so that near ones count too.
        """
        values, _ = self.of(question_type)
        known = np.isfinite(values)
        goals = np.zeros(SLOTS)
        goals[known] = rules.score_numbers(values[known], np.array(answer)) ** 2
        if not goals.any():
            goals[np.nanargmin(np.abs(values - answer))] = 1.0
        scaled: np.ndarray = goals / goals.sum()
        return scaled


def fit_number_candidates(types: Sequence[str], answers: Sequence[float]) -> NumberCandidates:
    """Candidates of num questions; both sequences have one entry a training question."""
    given = np.asarray(answers, dtype=float)
    names = np.asarray(types, dtype=object)
    found = NumberCandidates()
    if not len(given):
        return found
    for name in [NONE, *dict.fromkeys(names.tolist())]:
        own = given if name == NONE else given[names == name]
        found.values[str(name)], found.masses[str(name)] = _quantiles(own)
    return found


def best_number(values: np.ndarray, p: np.ndarray, rules: ScoringRules) -> float:
    """The number with the highest expected MRA, among the values and their midpoints.

    values, p: float arrays (m,), possible answers and their probabilities; NaN is none, and a value
        may stand more than once
    """
    known = np.isfinite(values)
    gold, place = np.unique(values[known], return_inverse=True)
    mass = np.bincount(place, p[known])
    asked = np.sort(np.concatenate([gold, (gold[1:] + gold[:-1]) / 2.0]))
    scores = rules.score_numbers(asked[:, None], gold[None, :])
    return float(asked[int(np.argmax(scores @ mass))])


def _widths(values: np.ndarray) -> np.ndarray:
    """How far it is between the middles to both neighbours; 1 for a value alone."""
    if len(values) == 1:
        return np.ones(1)
    gaps = np.diff(values)
    widths: np.ndarray = (np.append(gaps, gaps[-1]) + np.append(gaps[0], gaps)) / 2.0
    return widths


def _quantiles(answers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slots' values and masses; equal neighbours become one, in the middle slot of their run."""
    levels = (np.arange(SLOTS) + 0.5) / SLOTS
    spread = np.quantile(answers, levels, method="inverted_cdf")
    values, masses = np.full(SLOTS, np.nan), np.zeros(SLOTS)
    for value in np.unique(spread):
        run = np.flatnonzero(spread == value)
        slot = run[len(run) // 2]
        values[slot], masses[slot] = value, len(run) / SLOTS
    return values, masses
