"""The majority of the training rows and the baselines of numbers, by hand."""

import numpy as np
import pandas as pd
import pytest

from tests.scoring.hand_table import QUESTIONS, hand_plan, hand_table
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.scoring.scores import (
    add_baselines,
    majority_scores,
)

NAN = float("nan")


pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def majority_by_hand(repeats=1, rules=DEFAULT_RULES, folds=None):
    plan = hand_plan(repeats)
    return majority_scores(hand_table(), plan, plan.folds() if folds is None else folds, rules)


def test_the_majority_knows_training_rows_alone():
    """Held-out answers would make option 2 the majority of both folds of colour."""
    found = majority_by_hand()
    assert list(found) == ["row", "repeat", "fold", "majority"]
    by_row = found.set_index("row").sort_index()
    assert (by_row["repeat"] == 0).all()
    assert by_row["fold"].tolist() == [fold for *_, fold in QUESTIONS]
    expected = {
        # fold 0 learns 1 1 2 and answers 1; fold 1 learns 2 2 and answers 2
        "colour": [0, 0, 0, 0, 1],
        # fold 0 learns 0 and 1, a tie: the lower; fold 1 learns 1
        "side": [0, 0, 1],
        # fold 0 learns 10 10; fold 1 learns 10 14: 1.5 of 2 with 10 (and with many others)
        "length": [1, 0.5, 1, 1],
        # fold 0 learns Blue Blue red; fold 1 learns Yes and blue, a tie: the first in the alphabet
        "name": [0, 1, 0, 0, 0],
        # unseen in training: the format's answers 1 1 2 0 1
        "rare": [1],
    }
    types = [question_type for question_type, *_ in QUESTIONS]
    for name, scores in expected.items():
        rows = [i for i, t in enumerate(types) if t == name]
        np.testing.assert_allclose(by_row.loc[rows, "majority"], scores, err_msg=name)


def test_the_majority_of_every_repeat_is_of_its_own_folds():
    found = majority_by_hand(repeats=2)
    assert found.groupby("repeat").size().tolist() == [18, 18]
    assert found.index.tolist() == list(range(36))
    second = found[found["repeat"] == 1].set_index("row").sort_index()
    assert second["fold"].tolist() == [1 - fold for *_, fold in QUESTIONS]
    # the same folds under other numbers
    first = majority_by_hand().set_index("row").sort_index()
    np.testing.assert_allclose(second["majority"], first["majority"])


def test_the_majority_of_some_folds_alone():
    found = majority_by_hand(folds=[(0, 1)])
    assert sorted(found["row"]) == [2, 3, 4, 6, 7, 10, 11, 14, 15, 16]


def test_answers_that_are_written_differently_are_counted_together():
    answers = [["Yes"], ["yes"], ["YES."], ["no"], ["no"], ["a yes", "a yes", "no"]]
    rows = [{"id": str(i), "question_type": "t", "format": "open", "question": f"{i}?",
             "answer": a} for i, a in enumerate(answers)]  # fmt: skip
    table, n = build_table("t", rows).frame, len(rows)
    plan = type(hand_plan())(
        2, 0, None, "type", np.array([[0, 0, 0, 0, 0, 1]]), np.arange(n).astype(object),
        np.arange(n),
    )  # fmt: skip
    found = majority_scores(table, plan, [(0, 1)], DEFAULT_RULES)
    assert found["majority"].tolist() == [2 / 3]  # three of five are yes; two annotators agree


def test_a_format_without_training_rows_has_no_majority():
    rows = [{"id": str(i), "question_type": "t", "format": "num", "question": f"{i}?",
             "answer": 1.0} for i in range(3)]  # fmt: skip
    rows.append({"id": "3", "question_type": "t", "format": "open", "question": "who?",
                 "answer": ["me"]})  # fmt: skip
    table = build_table("t", rows).frame
    plan = hand_plan()
    folds = np.array([[0, 0, 1, 1]])
    plan = type(plan)(2, 0, None, "type", folds, np.arange(4).astype(object), np.arange(4))
    found = majority_scores(table, plan, plan.folds(), DEFAULT_RULES).set_index("row")["majority"]
    np.testing.assert_allclose(found.sort_index(), [1.0, 1.0, 1.0, NAN])


def test_inclusive_thresholds_reach_the_majority():
    inclusive = majority_by_hand(rules=ScoringRules(mra_inclusive=True)).set_index("row")
    # trained on 10 and 10 the lowest of the best constants is 9.5 (6.4/20 off 14), on 10 and 14
    # it is 10.5 (1/20 off 10, 5/20 off 14)
    expected = [1.0, 0.4, 1.0, 1.0]
    np.testing.assert_allclose(inclusive.loc[[8, 9, 10, 11], "majority"], expected)


def test_the_baseline_of_numbers_is_one_per_type():
    """The mean over all of a type's held-out questions of every repeat; mc 1/n; open 0."""
    scored = add_baselines(majority_by_hand(), hand_table()).set_index("row").sort_index()
    expected = [1 / 4] * 5 + [1 / 2] * 3 + [3.5 / 4] * 4 + [0.0] * 5 + [1 / 3]
    np.testing.assert_allclose(scored["baseline"], expected)
    twice = majority_by_hand(repeats=2)
    length = twice["row"].between(8, 11) & (twice["repeat"] == 1)
    twice.loc[length, "majority"] = 0.0  # the mean is over both repeats
    twice = add_baselines(twice, hand_table())
    np.testing.assert_allclose(twice.loc[twice["row"].between(8, 11), "baseline"], 3.5 / 8)


def test_number_types_have_baselines_of_their_own():
    table = hand_table()
    table.loc[[8, 9], "question_type"] = "height"
    scored = pd.DataFrame({"row": [8, 9, 10, 11], "majority": [0.2, 0.4, 0.8, 1.0]})
    np.testing.assert_allclose(add_baselines(scored, table)["baseline"], [0.3, 0.3, 0.9, 0.9])
