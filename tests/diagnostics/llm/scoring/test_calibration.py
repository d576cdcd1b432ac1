"""From scores to probabilities: what temperature and share do, and how they are found."""

from __future__ import annotations

import numpy as np
import pytest

from tst.diagnostics.llm.scoring.calibration import (
    Calibration,
    Choices,
    calibrate,
    expected_log_likelihoods,
    fit_calibration,
    fit_mixture,
    log_likelihoods,
    pad_choices,
)

PRIOR = np.array([0.7, 0.1, 0.1, 0.1])


def test_scores_add_to_the_log_prior():
    scores = np.array([0.0, 2.0, 0.0, 0.0])
    plain = Calibration().probabilities(scores, PRIOR)
    expected = PRIOR * np.exp(scores)
    np.testing.assert_allclose(plain, expected / expected.sum())
    hot = Calibration(temperature=1e9).probabilities(scores, PRIOR)
    np.testing.assert_allclose(hot, PRIOR, atol=1e-6)
    mixed = Calibration(share=0.5).probabilities(scores, PRIOR)
    np.testing.assert_allclose(mixed, 0.5 * plain + 0.5 * PRIOR)


def test_choices_that_are_none_get_nothing():
    p = Calibration(2.0, 0.3).probabilities(np.array([1.0, 5.0, 99.0]), np.array([0.5, 0.5, 0.0]))
    assert p[2] == 0.0 and p.sum() == pytest.approx(1.0)
    rows = [np.zeros(2), np.zeros(3)]
    padded = pad_choices(rows, [np.full(2, 0.5), np.full(3, 1 / 3)], [np.eye(2)[0], np.eye(3)[2]])
    p = padded.probabilities(Calibration())
    np.testing.assert_allclose(p, [[0.5, 0.5, 0.0], [1 / 3] * 3])


def drawn(scale: float, n: int, seed: int = 0) -> Choices:
    """Answers drawn from softmax(scores); what is seen are the scores times ``scale``."""
    rng = np.random.default_rng(seed)
    scores = 1.5 * rng.standard_normal((n, 4))
    p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    answers = [rng.choice(4, p=row) for row in p]
    return Choices(scale * scores, np.full((n, 4), 0.25), np.eye(4)[answers])


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_the_temperature_is_found(scale):
    found = fit_calibration(drawn(scale, 3000))
    assert found.temperature == pytest.approx(scale, rel=0.2)
    assert found.share <= 0.1


@pytest.mark.parametrize(("n", "loss"), [(12, 0.02), (68, 0.01), (2000, 0.002)])
def test_a_model_that_knows_nothing_is_hardly_worse_than_counting(n, loss):
    lost = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        noise = [
            Choices(
                1.5 * rng.standard_normal((size, 4)),
                np.tile(PRIOR, (size, 1)),
                np.eye(4)[rng.choice(4, size, p=PRIOR)],
            )
            for size in (n, 3000)
        ]
        found = fit_calibration(noise[0])
        held = noise[1]
        gain = log_likelihoods(held.probabilities(found), held.goals).mean()
        lost.append(log_likelihoods(held.prior, held.goals).mean() - gain)
    assert np.mean(lost) < loss


def test_few_questions_leave_a_calibration_near_where_it_began():
    far, near = fit_calibration(drawn(8.0, 3000)), fit_calibration(drawn(8.0, 3))
    assert far.temperature > 5 > near.temperature
    assert fit_calibration(Choices(*[np.zeros((0, 4))] * 3)) == Calibration()


def test_the_better_of_two_gets_most_of_the_mixture():
    choices = drawn(1.0, 1000)
    good = choices.probabilities(Calibration())
    bad = np.full_like(good, 0.25)
    assert fit_mixture(bad, good, choices.goals) > 0.8
    assert fit_mixture(good, bad, choices.goals) < 0.2
    assert fit_mixture(good[:0], bad[:0], choices.goals[:0]) == 0.5


def test_several_adapters_are_calibrated_by_all_they_were_asked():
    parts = [{"mc": drawn(3.0, 40, seed)} for seed in range(3)]
    wider = {"mc": Choices(np.zeros((1, 5)), np.full((1, 5), 0.2), np.eye(5)[:1])}
    together, text_share = calibrate([*parts, wider, {}])
    rows = [np.concatenate([getattr(p["mc"], name) for p in parts])
            for name in ("scores", "prior", "goals")]  # fmt: skip
    joined = fit_calibration(pad_choices(*(
        [*own, *getattr(wider["mc"], name)]
        for own, name in zip(rows, ("scores", "prior", "goals"), strict=True)
    )))  # fmt: skip
    assert together == {"mc": joined} and text_share == 0.5
    alone = [calibrate([part])[0]["mc"].temperature for part in parts]
    assert abs(np.log(joined.temperature / 3)) < np.abs(np.log(np.array(alone) / 3)).max()
    assert calibrate([]) == ({}, 0.5)


def test_numbers_are_expected_under_both_readings():
    head, text = drawn(1.0, 200, 1), drawn(1.0, 200, 1)
    text.scores = 0.0 * text.scores
    evidence = {"num": head, "num_text": text}
    calibrations, share = calibrate([evidence])
    assert share < 0.2, "texts that say nothing have a small share"
    p = (1 - share) * head.probabilities(calibrations["num"]) + share * 0.25
    np.testing.assert_allclose(
        expected_log_likelihoods(evidence, calibrations, share), log_likelihoods(p, head.goals)
    )
    assert len(expected_log_likelihoods({}, {}, 0.5)) == 0
