import numpy as np
import pandas as pd
import pytest

from tst.core.diagnostic import Diagnostic, Predictions
from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES
from tst.scoring.null_tests import judge_draws, run_draw

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
        # against the majority of the same draws, whatever 1 / n is, and from above alone
        ("permuted", {"score_hard": 0.449}, []),
        ("permuted", {"score_hard": 0.451}, ["model"]),
        ("permuted", {"score_hard": 0.1}, []),
        ("permuted", {"score_hard": 0.26, "majority": 0.2}, ["model"]),
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


class UniformGuess(Diagnostic):
    """The same probability for every option; the first one is the guess."""

    def fit_predict(self, train, heldout, seed):
        predictions = Predictions.empty(len(heldout))
        predictions.p_options = [np.full(len(o), 1 / len(o)) for o in heldout["options"]]
        return predictions


def many_small_types() -> pd.DataFrame:
    """840 mc questions with four options in 60 types of 8 to 20, as MMMU has them."""
    rng = np.random.default_rng(0)
    sizes = [8, 10, 12, 14, 20, 20] * 10
    rows = [
        {"id": f"{kind}-{i}", "question_type": f"t{kind}", "format": "mc",
         "question": f"{kind} {i}?",
         "options": list("abcd"), "answer": int(rng.integers(4))}
        for kind, size in enumerate(sizes) for i in range(size)
    ]  # fmt: skip
    return build_table("many", rows).frame


@pytest.mark.parametrize(
    ("stratify", "violated_by"), [("type", []), ("none", []), ("answer", ["majority"])]
)
def test_the_uniform_null_tells_folds_that_answers_shape(stratify, violated_by):
    table = many_small_types()
    plan = plan_folds(table, 5, 0, stratify=stratify)
    draws = [
        run_draw(UniformGuess(None), table, plan, None, "uniform", draw, DEFAULT_RULES)
        for draw in range(4)
    ]
    judged = judge_draws("uniform", draws, 0.3)
    assert judged["violated_by"] == violated_by
    assert (judged["majority"] > 0.30) == (stratify == "answer")
