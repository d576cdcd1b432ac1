import math

import numpy as np
import pandas as pd
import pytest

from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES
from tst.scoring.answer_prior import fit_answer_prior
from tst.scoring.calibration import calibration_floor
from tst.scoring.information import (
    FIELDS,
    NO_CHOICES,
    SMALLEST,
    describe_information,
    information,
    prior_probabilities,
)
from tst.scoring.scores import add_references, bias_scores

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def made_table(answers, n_options=2, kind="mc"):
    rows = [
        {"id": f"q{i}", "question_type": "t", "format": kind, "question": f"question {i}?",
         "options": [f"o{j}" for j in range(n_options)] if kind == "mc" else None, "answer": a}
        for i, a in enumerate(answers)
    ]  # fmt: skip
    return build_table("made", rows).frame


def test_information_is_the_difference_of_logarithms_to_base_2():
    p_gold, p_prior = [0.5, 0.25, 1.0, 0.0, np.nan], [0.25, 0.5, 0.5, 0.5, 0.5]
    bits = information(np.array(p_gold), np.array(p_prior))
    expected = [1.0, -1.0, 1.0, math.log2(SMALLEST) + 1.0, math.nan]
    np.testing.assert_allclose(bits, expected)


def test_the_prior_sees_training_rows_alone():
    table = made_table([0] * 30 + [1] * 10)
    plan = plan_folds(table, 4, 3)
    per_fold = prior_probabilities(table, plan, plan.folds())
    assert per_fold.index.tolist() == list(range(40))
    priors = per_fold.set_index("row")["p_prior"].sort_index()
    for fold in range(4):
        held = np.flatnonzero(plan.assignment[0] == fold)
        training = np.flatnonzero(plan.assignment[0] != fold)
        answers = table["answer"].to_numpy(dtype=int)
        known = fit_answer_prior(["t"] * len(training), [2] * len(training), answers[training])
        expected = known.probabilities("t", 2)[answers[held]]
        np.testing.assert_allclose(priors.loc[held], expected)
    flipped = table.assign(answer=[1 - a if i == 0 else a for i, a in enumerate(table["answer"])])
    other = (
        prior_probabilities(flipped, plan, plan.folds()).set_index("row")["p_prior"].sort_index()
    )
    same_fold = plan.assignment[0] == plan.assignment[0][0]
    same_fold[0] = False
    np.testing.assert_array_equal(other[same_fold], priors[same_fold])  # its own fold's prior
    assert (other[~same_fold] != priors[~same_fold]).all()


def scored_table(table, p_gold, plan):
    pairs = zip(p_gold, table["answer"], strict=True)
    p_options = [[p, 1 - p] if a == 0 else [1 - p, p] for p, a in pairs]
    scored = pd.DataFrame(
        {
            "row": np.arange(len(table)), "repeat": 0, "fold": plan.assignment[0], "s": p_gold,
            "hard": (np.asarray(p_gold) > 0.5).astype(float), "s_zero_shot": np.nan,
            "hard_zero_shot": np.nan, "margin": np.nan, "parsed": True, "p_options": p_options,
        }
    )  # fmt: skip
    return add_references(scored, table, plan, plan.folds(), DEFAULT_RULES)


def test_bits_of_a_question_are_the_mean_over_repeats():
    table = made_table([0, 1] * 10)
    plan = plan_folds(table, 2, 0)
    scored = scored_table(table, [0.8] * 20, plan)
    again = scored.assign(repeat=1, bits=scored["bits"] + 1.0)
    scores = bias_scores(pd.concat([scored, again], ignore_index=True), table)
    np.testing.assert_allclose(scores["bits"], scored["bits"] + 0.5)
    np.testing.assert_allclose(scored["bits"], np.log2(0.8) - np.log2(scored["p_prior"]))


def test_a_model_that_only_guesses_is_told_so():
    table = made_table([0, 1] * 20)
    plan = plan_folds(table, 2, 0)
    guessing = describe_information(scored_table(table, [0.5] * 40, plan), table)
    assert guessing["log_likelihood"] == guessing["uniform_log_likelihood"] == -math.log(2)
    assert "Nothing was found beyond counting" in guessing["nothing_beyond_counting"]
    knowing = describe_information(scored_table(table, [0.9] * 40, plan), table)
    assert knowing["log_likelihood"] == pytest.approx(math.log(0.9))
    assert "nothing_beyond_counting" not in knowing
    assert knowing["ece"] == pytest.approx(10.0)  # all right, said with 0.9


def test_the_best_of_both_ways_of_counting_is_to_be_beaten():
    table = made_table([0] * 30 + [1] * 10)
    plan = plan_folds(table, 2, 0)
    told = describe_information(scored_table(table, [0.55] * 40, plan), table)
    prior, own = told["prior_log_likelihood"], math.log(0.55)
    assert prior > own > -math.log(2)
    assert told["nothing_beyond_counting"] == (
        "Nothing was found beyond counting: the mean log-likelihood of the gold option "
        f"({own:.3f}) is not above that of answer positions ({prior:.3f})."
    )
    balanced = made_table([0, 1] * 20)
    plan = plan_folds(balanced, 2, 0)
    told = describe_information(scored_table(balanced, [0.45] * 40, plan), balanced)
    assert told["prior_log_likelihood"] <= -math.log(2)
    assert told["nothing_beyond_counting"].endswith("that of uniform guessing (-0.693).")
    assert set(told) == {*FIELDS, "nothing_beyond_counting"}
    top = np.full(40, 0.55)
    assert told["ece_floor"] == calibration_floor(top, 15, np.arange(40))


def test_other_formats_have_a_reason_instead():
    table = made_table([1.0, 2.0, 3.0, 4.0], kind="num")
    plan = plan_folds(table, 2, 0)
    assert prior_probabilities(table, plan, plan.folds())["p_prior"].isna().all()
    scored = pd.DataFrame({"row": range(4), "s": 1.0, "hard": 1.0, "p_prior": np.nan})
    described = describe_information(scored, table)
    assert described["bits_reason"] == NO_CHOICES
    assert np.isnan(described["ece"])
