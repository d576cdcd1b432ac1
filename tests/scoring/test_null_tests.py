import pytest

from tst.scoring.null_tests import (
    KINDS,
    judge_draws,
)

DRAW = {"score_hard": 0.5, "standard_error": 0.02, "majority": 0.4,
        "majority_standard_error": 0.04, "baseline": 0.25}  # fmt: skip


def test_a_standard_error_of_none_decides_nothing():
    for name in ("standard_error", "majority_standard_error"):
        assert judge_draws("uniform", [DRAW, DRAW | {name: None}], 0.6)["holds"] is None
    assert judge_draws("permuted", [DRAW | {"standard_error": None}], 0.6)["holds"] is None


@pytest.mark.parametrize(
    ("kind", "changes", "violated_by"),
    [
        # 2.5 standard errors are 0.05 for the model and 0.1 for the majority
        ("uniform", {"score_hard": 0.299, "majority": 0.349}, []),
        ("uniform", {"score_hard": 0.201, "majority": 0.151}, []),
        ("uniform", {"score_hard": 0.301, "majority": 0.25}, ["model"]),
        ("uniform", {"score_hard": 0.199, "majority": 0.25}, ["model"]),
        ("uniform", {"score_hard": 0.25, "majority": 0.351}, ["majority"]),
        ("uniform", {"score_hard": 0.25, "majority": 0.149}, ["majority"]),
        ("uniform", {"score_hard": 0.5, "majority": 0.5}, ["model", "majority"]),
        # as far as that, to the last bit, holds
        ("uniform", {"score_hard": 0.875, "standard_error": 0.25, "majority": 0.25}, []),
        # against the majority of the same draws, and from above alone
        ("permuted", {"score_hard": 0.449}, []),
        ("permuted", {"score_hard": 0.451}, ["model"]),
        ("permuted", {"score_hard": 0.1}, []),
        # but never against less than chance
        ("permuted", {"score_hard": 0.299, "majority": 0.2}, []),
        ("permuted", {"score_hard": 0.301, "majority": 0.2}, ["model"]),
        # nor what is known of a type's questions with as many options
        ("permuted", {"score_hard": 0.499, "counted": 0.45}, []),
        ("permuted", {"score_hard": 0.501, "counted": 0.45}, ["model"]),
        ("permuted", {"score_hard": 0.449, "counted": 0.3}, []),
    ],
)
def test_how_far_from_chance_a_null_may_lie(kind, changes, violated_by):
    judged = judge_draws(kind, [DRAW | changes], 0.6)
    assert judged["violated_by"] == violated_by
    assert judged["holds"] == (not violated_by)


def test_a_null_is_judged_by_the_mean_over_draws():
    high, low = DRAW | {"score_hard": 0.35}, DRAW | {"score_hard": 0.15}
    judged = judge_draws("uniform", [high | {"majority": 0.25}, low | {"majority": 0.25}], 0.6)
    assert judged["holds"] is True
    assert judged["scores"] == [0.35, 0.15]
    assert judged["score_hard"] == pytest.approx(0.25)


def test_p_counts_the_draws_that_reach_the_observed_score():
    draws = [DRAW | {"score_hard": score} for score in (0.1, 0.3, 0.3, 0.5)]
    assert judge_draws("permuted", draws, 0.3)["p"] == pytest.approx((1 + 3) / (1 + 4))
    assert judge_draws("permuted", draws, 0.6)["p"] == pytest.approx(1 / 5)


def test_every_field_of_a_judgement():
    judged = judge_draws("permuted", [DRAW, DRAW | {"score_hard": 0.4}], 0.45)
    assert judged == {
        "draws": 2, "score_hard": pytest.approx(0.45), "expected": pytest.approx(0.4),
        "excess": pytest.approx(0.05), "standard_error": 0.02, "majority": 0.4,
        "majority_standard_error": 0.04, "scores": [0.5, 0.4], "p": pytest.approx(2 / 3),
        "holds": True, "violated_by": [],
    }  # fmt: skip
    uniform = judge_draws("uniform", [DRAW], 0.45)
    assert uniform["expected"] == 0.25
    assert "p" not in uniform
    alone = judge_draws("permuted", [DRAW | {"standard_error": None}], 0.6)
    assert alone["holds_reason"] == (
        "the questions lie in one group, so there is no standard error"
    )
    assert KINDS == ("permuted", "uniform")
