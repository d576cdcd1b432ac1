"""Position priors by counting: shrunk as much as the counts ask for."""

from __future__ import annotations

import numpy as np
import pytest

from tst.scoring.answer_prior import fit_answer_prior


def draw(p: dict[str, list[float]], n: int, seed: int) -> tuple[list[str], list[int], list[int]]:
    rng = np.random.default_rng(seed)
    types, sizes, answers = [], [], []
    for name, row in p.items():
        types += [name] * n
        sizes += [len(row)] * n
        answers += rng.choice(len(row), n, p=row).tolist()
    return types, sizes, answers


def log_likelihood(prior, types, sizes, answers) -> float:
    terms = [
        np.log(prior.probabilities(t, n)[a]) for t, n, a in zip(types, sizes, answers, strict=True)
    ]
    return float(np.mean(terms))


def test_a_large_type_keeps_its_own_counts():
    truth = {"skewed": [0.7, 0.1, 0.1, 0.1], "other": [0.1, 0.1, 0.1, 0.7]}
    prior = fit_answer_prior(*draw(truth, 2000, 0))
    for name, row in truth.items():
        np.testing.assert_allclose(prior.probabilities(name, 4), row, atol=0.03)


def test_small_types_without_a_bias_are_no_worse_than_uniform():
    """MMMU's case: 29 types of about 23 questions, where counts plus one lose to uniform."""
    truth = {f"type{i}": [0.25] * 4 for i in range(29)}
    gains = []
    for seed in range(5):
        prior = fit_answer_prior(*draw(truth, 23, seed))
        gains.append(log_likelihood(prior, *draw(truth, 200, 100 + seed)) - np.log(0.25))
    assert np.mean(gains) > -0.003


def test_small_types_share_what_they_have_in_common():
    """The entropy of the common distribution is 1.280, uniform 1.386, counts plus one 1.328."""
    truth = {f"type{i}": [0.4, 0.3, 0.2, 0.1] for i in range(20)}
    held = [
        log_likelihood(fit_answer_prior(*draw(truth, 10, seed)), *draw(truth, 500, 100 + seed))
        for seed in range(5)
    ]
    assert np.mean(held) > -1.30


def test_numbers_of_options_are_apart_and_unknown_types_take_the_rest():
    types = ["a"] * 60 + ["b"] * 60
    prior = fit_answer_prior(types, [2] * 60 + [3] * 60, [0] * 50 + [1] * 10 + [2] * 60)
    assert prior.probabilities("a", 2)[0] > 0.75
    np.testing.assert_allclose(prior.probabilities("new", 3), prior.overall[3])
    assert prior.probabilities("new", 3)[2] > 0.9
    np.testing.assert_allclose(prior.probabilities("a", 5), np.full(5, 0.2))


def test_every_prior_is_a_distribution_without_a_zero():
    prior = fit_answer_prior(["a", "a", "b"], [4, 4, 4], [1, 1, 1])
    for p in [*prior.by_type.values(), *prior.overall.values()]:
        assert p.sum() == pytest.approx(1.0)
        assert p.min() > 0
    empty = fit_answer_prior([], [], [])
    np.testing.assert_allclose(empty.probabilities("a", 4), np.full(4, 0.25))
