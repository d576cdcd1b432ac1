"""Numbers as choices among quantiles of the training answers."""

from __future__ import annotations

import numpy as np
import pytest

from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.llm.scoring.number_candidates import (
    SLOTS,
    best_number,
    fit_number_candidates,
)

DRAW = np.random.default_rng(0)
SPREAD = np.exp(DRAW.normal(0, 1, 500))
COUNTS = DRAW.choice([2.0, 3.0, 4.0, 9.0], 400, p=[0.5, 0.3, 0.15, 0.05])
FOUND = fit_number_candidates(["spread"] * 500 + ["counts"] * 400, [*SPREAD, *COUNTS])


def test_candidates_are_answers_with_their_shares():
    values, masses = FOUND.of("counts")
    known = np.isfinite(values)
    assert values[known].tolist() == [2.0, 3.0, 4.0, 9.0]
    np.testing.assert_allclose(masses[known], [0.5, 0.3, 0.15, 0.05], atol=2 / SLOTS)
    assert not masses[~known].any()
    values, masses = FOUND.of("spread")
    assert np.isin(values, SPREAD).all() and (np.diff(values) > 0).all()
    np.testing.assert_allclose(masses, 1 / SLOTS)
    for _, masses in (FOUND.of("spread"), FOUND.of("counts"), FOUND.of("unseen")):
        assert masses.sum() == pytest.approx(1.0)


def test_a_known_answer_is_where_its_near_candidates_are():
    goals = FOUND.goals("counts", 3.0, DEFAULT_RULES)
    values, _ = FOUND.of("counts")
    assert values[goals.argmax()] == 3.0 and goals.sum() == pytest.approx(1.0)
    assert not goals[values == 9.0].any()
    far = FOUND.goals("counts", 1000.0, DEFAULT_RULES)
    assert far.max() == 1.0 and values[far.argmax()] == 9.0


def test_the_chosen_number_has_the_highest_expected_score():
    values, masses = FOUND.of("spread")
    chosen = best_number(values, masses, DEFAULT_RULES)

    def expected(value: float) -> float:
        return float(DEFAULT_RULES.score_numbers(np.array(value), values) @ masses)

    best = max(expected(v) for v in np.linspace(0.05, 8, 2000))
    assert expected(chosen) > best - 0.02
    sure = np.eye(SLOTS)[5]
    assert best_number(values, sure, DEFAULT_RULES) == pytest.approx(values[5], rel=0.05)


def test_two_distributions_are_one_mixture():
    values = np.array([1.0, 4.0, np.nan, 4.0, 9.0])
    p = np.array([0.3, 0.2, 0.0, 0.25, 0.25])
    together = best_number(np.array([1.0, 4.0, 9.0]), np.array([0.3, 0.45, 0.25]), DEFAULT_RULES)
    assert best_number(values, p, DEFAULT_RULES) == together == 4.0


def test_a_text_counts_for_the_numbers_nearest_to_it():
    """A smooth density over numbers must give back the shares of the quantiles."""
    values, masses = FOUND.of("spread")
    density = -(np.log(values) ** 2) / 2 - np.log(values)
    scores = FOUND.text_scores("spread", density)
    p = masses * np.exp(scores)
    p /= p.sum()
    assert np.abs(p[2:-2] * SLOTS - 1).mean() < 0.35, "each of them about 1 / SLOTS"
    absent = FOUND.text_scores("counts", np.full(SLOTS, np.nan))
    assert np.isnan(absent).sum() == 4, "of candidates alone"
