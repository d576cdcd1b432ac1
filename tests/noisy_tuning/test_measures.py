"""Measures of a run, against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from tst.noisy_tuning.measures import detection, memorisation, over_seeds, paired_difference


def make_steps(kinds, confidence):
    share = {"clean": 0.0, "corrupted": 1.0, "mixed": 0.3}
    return pd.DataFrame(
        {
            "step": range(len(kinds)),
            "kind": kinds,
            "share": [share[k] for k in kinds],
            "confidence": confidence,
        }
    )


ROUND = ["clean", "corrupted", "mixed"]


def test_perfect_detection():
    figures = detection(make_steps(ROUND * 5, [0.9, 0.1, 0.5] * 5), "confidence")
    assert figures["auroc"] == figures["auroc_in_round"] == 1
    assert figures["correlation"] == pytest.approx(-0.4 / (0.52667 * 0.32) ** 0.5, abs=1e-4)
    assert figures["rank_correlation"] == pytest.approx(-1)
    assert (figures["mean_clean"], figures["mean_corrupted"]) == pytest.approx((0.9, 0.1))
    assert "reason" not in figures and figures["left_out"] == 0


def test_the_wrong_way_round_is_reported_as_it_is():
    figures = detection(make_steps(ROUND * 5, [0.1, 0.9, 0.5] * 5), "confidence")
    assert figures["auroc"] == 0


def test_steps_without_confidence_are_left_out():
    confidence = [np.nan] * 6 + [0.9, 0.1, 0.5]
    figures = detection(make_steps(ROUND * 3, confidence), "confidence")
    assert figures["auroc"] == figures["auroc_in_round"] == 1


def test_a_diverged_step_is_left_out_and_counted():
    steps = make_steps(ROUND * 3, [0.9, 0.1, 0.5] * 3)
    steps.loc[3, "confidence"], steps.loc[8, "confidence"] = np.inf, np.nan
    figures = detection(steps, "confidence")
    assert figures["left_out"] == 2
    assert figures["auroc"] == figures["auroc_in_round"] == 1
    assert (figures["mean_clean"], figures["mean_mixed"]) == pytest.approx((0.9, 0.5))
    assert figures["rank_correlation"] == pytest.approx(-1)


def test_steps_that_all_diverged_have_a_reason():
    figures = detection(make_steps(ROUND, [np.inf, np.nan, -np.inf]), "confidence")
    assert figures["reason"] == "no confidence of these steps is finite"
    assert figures["left_out"] == 3
    assert np.isnan(figures["auroc"]) and np.isnan(figures["mean_clean"])


@pytest.mark.parametrize("signal", ["loss", "grad_norm"])
def test_a_higher_loss_on_corrupted_steps_is_detection(signal):
    steps = make_steps(ROUND * 2, [1.0, 2.0, 1.5, 1.2, 1.1, 1.0]).rename(
        columns={"confidence": signal}
    )
    figures = detection(steps, signal)
    assert figures["auroc"] == 0.75
    assert figures["auroc_in_round"] == 0.5


def test_a_trend_hides_detection_from_the_plain_auroc_alone():
    fall = np.repeat(np.arange(20)[::-1], 3) + np.tile([0.1, 0.0, 0.05], 20)
    figures = detection(make_steps(ROUND * 20, fall), "confidence")
    assert figures["auroc"] == pytest.approx(0.525)
    assert figures["auroc_in_round"] == 1


def test_ties_count_half():
    figures = detection(make_steps(ROUND * 2, [0.5, 0.5, 0.1, 0.7, 0.5, 0.2]), "confidence")
    assert figures["auroc"] == 0.75
    assert figures["auroc_in_round"] == 0.75


def test_plain_steps_have_a_correlation_and_no_auroc():
    steps = make_steps(["mixed"] * 4, [0.4, 0.3, 0.2, 0.1]).assign(share=[0.1, 0.2, 0.3, 0.4])
    figures = detection(steps, "confidence")
    assert np.isnan(figures["auroc"]) and "schedule.kind=probe" in figures["reason"]
    assert figures["correlation"] == pytest.approx(-1)


def test_an_optimizer_without_confidence_has_a_reason():
    figures = detection(make_steps(ROUND, [np.nan] * 3), "confidence")
    assert figures["reason"] == "this optimizer has no confidence in these steps"
    assert np.isnan(figures["auroc"]) and np.isnan(figures["correlation"])


def test_constant_confidence_says_nothing():
    figures = detection(make_steps(ROUND * 2, [0.5] * 6), "confidence")
    assert figures["auroc"] == 0.5
    assert np.isnan(figures["correlation"]) and "never varies" in figures["reason"]


def test_an_incomplete_last_round_is_left_out_of_the_paired_figure():
    figures = detection(make_steps([*ROUND, "corrupted"], [0.9, 0.1, 0.5, 1.0]), "confidence")
    assert figures["auroc_in_round"] == 1
    assert figures["auroc"] == 0.5


def make_losses():
    parts = ("train_clean", "train_corrupted", "held_out", "held_out_corrupted", "corrupted_truth")
    before = {part: np.array([2.0, 4.0]) for part in parts} | {"corrupted_truth": np.array([1, 1])}
    after = {
        "train_clean": np.array([1.0, 1.0]),
        "train_corrupted": np.array([2.0, 2.0]),
        "held_out": np.array([2.0, 3.0]),
        "held_out_corrupted": np.array([2.5, 3.0]),
        "corrupted_truth": np.array([1.0, 3.0]),
    }
    return before, after


def test_memorisation_takes_off_what_unseen_corrupted_pairs_gain_too():
    figures = memorisation(*make_losses())
    assert figures["train_clean_drop"] == 2
    assert figures["held_out_after"] == 2.5
    assert figures["memorised"] == pytest.approx(0.75)
    assert figures["overfitted"] == pytest.approx(1.5)
    assert (figures["truth_preferred_before"], figures["truth_preferred_after"]) == (1, 0.5)


def test_without_unseen_corrupted_pairs_nothing_says_what_is_memorised():
    before, after = ({**losses, "held_out_corrupted": np.array([])} for losses in make_losses())
    figures = memorisation(before, after)
    assert np.isnan(figures["memorised"]) and "data.held_out" in figures["reason"]


def test_an_interval_is_cut_to_the_range_of_its_measure():
    figures = over_seeds([0.9, 1.0, 0.7], within=(0, 1))
    assert figures["high"] == 1 and 0 < figures["low"] < figures["mean"]
    assert over_seeds([0.1, 0.0, 0.3], within=(0, 1))["low"] == 0


def test_interval_over_seeds_is_students():
    figures = over_seeds([1.0, 2.0, 3.0])
    half = 4.302653 * 1 / 3**0.5
    assert figures["mean"] == 2 and figures["n"] == 3
    assert (figures["low"], figures["high"]) == pytest.approx((2 - half, 2 + half), rel=1e-6)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, np.nan]])
def test_too_few_seeds_have_no_interval(values):
    figures = over_seeds(values)
    assert np.isnan(figures["low"]) and "no interval" in figures["reason"]


def test_paired_difference_uses_common_seeds():
    figures = paired_difference({0: 1.0, 1: 2.0, 2: 9.0}, {0: 0.5, 1: 1.0, 3: 4.0})
    assert figures["n"] == 2 and figures["mean"] == pytest.approx(0.75)
