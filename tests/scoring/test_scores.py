"""method.md, section 4, by hand: scores, majority, baselines, adjusted, consensus, repeats."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.scoring.hand_table import QUESTIONS, hand_plan, hand_table
from tst.core.diagnostic import Predictions
from tst.core.errors import ComputingError
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.scoring.cross_validation import cross_validate
from tst.scoring.scores import (
    SCORES,
    add_references,
    adjust,
    bias_scores,
    consensus,
    score_predictions,
)

NAN = float("nan")

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def test_predictions_are_scored_by_format():
    questions = hand_table().iloc[[0, 2, 9, 12, 13]]  # colour 2 and 1, 14.0, Yes, blue
    predictions = Predictions.empty(5)
    predictions.p_options = [
        np.array([0.1, 0.2, 0.4, 0.3]), np.array([0.5, 0.3, 0.1, 0.1]), None, None, None
    ]  # fmt: skip
    predictions.value = np.array([NAN, NAN, 10.0, NAN, NAN])
    predictions.text = [None, None, None, "YEAH!", "green"]
    scores = score_predictions(questions, predictions, DEFAULT_RULES)
    assert list(scores.index) == [0, 2, 9, 12, 13]
    # 10 for 14 is 5.7/20 off: inside the thresholds 6/20 to 10/20
    np.testing.assert_allclose(scores["s"], [0.4, 0.3, 0.5, 1.0, 0.0])
    np.testing.assert_allclose(scores["hard"], [1.0, 0.0, 0.5, 1.0, 0.0])
    np.testing.assert_allclose(scores["margin"], [0.1, -0.2, NAN, NAN, NAN])
    assert scores["parsed"].tolist() == [True] * 5
    assert scores[["s_zero_shot", "hard_zero_shot"]].isna().all(axis=None)
    assert scores[list(SCORES)].dtypes.map(str).tolist() == ["float64"] * len(SCORES)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([0.1, 0.2, 0.4, 0.3], None),
        ([0.1, 0.2, 0.4, 0.2996], None),  # half precision
        ([np.nan] * 4, None),
        ([1.0, 2.0, 4.0, 3.0], r"\[1.0, 2.0, 4.0, 3.0\] \(question q00\); expected 4 numbers"),
        ([0.5, 0.5], r"\[0.5, 0.5\]"),
        ([0.2, 0.2, 0.2, 0.2, 0.2], "expected 4 numbers"),
        ([1.5, -0.5, 0.0, 0.0], "not negative"),
    ],
)
def test_probabilities_that_are_none_are_refused(given, said):
    questions = hand_table().iloc[[0, 9]]  # colour, of 4 options; a number
    predictions = Predictions.empty(2)
    predictions.p_options[0] = np.array(given)
    predictions.value[1] = 14.0
    if said is None:
        assert len(score_predictions(questions, predictions, DEFAULT_RULES)) == 2
        return
    with pytest.raises(ComputingError, match=said):
        score_predictions(questions, predictions, DEFAULT_RULES)
    predictions.p_options.append(None)
    with pytest.raises(ComputingError, match="3 p_options, 2 values and 2 texts for 2 held-out"):
        score_predictions(questions, predictions, DEFAULT_RULES)


def test_an_open_answer_scores_the_mean_over_its_candidates():
    """s is the expected score of the candidates, hard the score of the answer given."""
    questions = hand_table().iloc[[0, 12, 13]]  # colour 2; Yes or yeah; blue
    predictions = Predictions.empty(3)
    predictions.p_options = [np.array([0.1, 0.2, 0.4, 0.3]), None, None]
    predictions.text = [None, "no", "blue"]
    predictions.text_probabilities = [None, {"no": 0.5, "yes": 0.2, "Yeah!": 0.1}, None]
    scores = score_predictions(questions, predictions, DEFAULT_RULES)
    assert list(scores.columns) == [*SCORES, "parsed"]
    np.testing.assert_allclose(scores["s"], [0.4, 0.2 + 0.1, 1.0])
    np.testing.assert_allclose(scores["hard"], [1.0, 0.0, 1.0])
    vqa = score_predictions(questions, predictions, ScoringRules(open="vqa"))
    # "yes" and "yeah" each agree with one annotator of the three that an answer needs
    np.testing.assert_allclose(vqa["s"], [0.4, (0.2 + 0.1) / 3, 1 / 3])


def test_zero_shot_predictions_have_scores_of_their_own():
    questions = hand_table().iloc[[0, 10, 13]]
    predictions = Predictions.empty(3)
    predictions.p_options = [np.array([0.1, 0.2, 0.4, 0.3]), None, None]
    predictions.value, predictions.text = np.array([NAN, 10.0, NAN]), [None, None, "blue"]
    predictions.p_options_zero_shot = [np.array([0.4, 0.3, 0.2, 0.1]), None, None]
    predictions.value_zero_shot = np.array([NAN, 7.0, NAN])
    predictions.text_zero_shot = [None, None, "red"]
    predictions.parsed = np.array([True, False, True])
    scores = score_predictions(questions, predictions, DEFAULT_RULES)
    np.testing.assert_allclose(scores["s"], [0.4, 1.0, 1.0])
    np.testing.assert_allclose(scores["s_zero_shot"], [0.2, 0.4, 0.0])
    np.testing.assert_allclose(scores["hard_zero_shot"], [0.0, 0.4, 0.0])
    assert scores["parsed"].tolist() == [True, False, True]
    inclusive = score_predictions(questions, predictions, ScoringRules(mra_inclusive=True))
    np.testing.assert_allclose(inclusive["s_zero_shot"], [0.2, 0.5, 0.0])


@pytest.mark.parametrize(
    ("s", "baseline", "expected"),
    [
        (1.0, 0.25, 1.0),
        (0.25, 0.25, 0.0),
        (0.7, 0.25, 0.6),
        (0.1, 0.25, -0.2),
        (0.4, 0.0, 0.4),
        (1.0, 1.0, NAN),
        (1.0, 1.0 - 1e-10, NAN),
        (1.0, 1.0 - 1e-8, 1.0),
        (NAN, 0.25, NAN),
    ],
)
def test_adjusted_is_the_share_of_what_the_baseline_leaves(s, baseline, expected):
    found = adjust(np.array([s]), np.array([baseline]))
    np.testing.assert_allclose(found, [expected], atol=1e-6)


def test_adjusted_of_columns_of_objects_and_of_nothing():
    s, baseline = np.array([0.7, 0.4], dtype=object), np.array([0.25, None], dtype=object)
    np.testing.assert_allclose(adjust(s.astype(float), baseline), [0.6, NAN])
    assert adjust(np.array([]), np.array([])).shape == (0,)


def two_repeats():
    """Three questions (colour, length, name) with every score, in two repeats."""
    rows = [
        # row repeat  s   hard  s0  hard0 margin parsed majority baseline bits
        (2, 0, 0.6, 1.0, 0.2, 0.0, 0.4, True, 1.0, 0.25, 1.0),
        (8, 0, 0.5, 0.5, 0.1, 0.1, NAN, True, 0.4, 0.50, NAN),
        (12, 0, 1.0, 1.0, 0.0, 0.0, NAN, True, 0.0, 0.00, NAN),
        (2, 1, 0.2, 0.0, 0.3, 1.0, -0.1, True, 0.0, 0.25, 0.0),
        (8, 1, 0.9, 0.9, 0.3, 0.3, NAN, False, 0.6, 0.50, NAN),
        (12, 1, 0.0, 0.0, 1.0, 1.0, NAN, True, 1.0, 0.00, NAN),
    ]
    columns = ["row", "repeat", "s", "hard", "s_zero_shot", "hard_zero_shot", "margin", "parsed",
               "majority", "baseline", "bits"]  # fmt: skip
    return pd.DataFrame(rows[::-1], columns=columns)


def test_scores_of_a_question_are_means_over_repeats():
    scores = bias_scores(two_repeats(), hand_table())
    assert scores.index.tolist() == [2, 8, 12]
    expected = {
        "s": [0.4, 0.7, 0.5],
        "hard": [0.5, 0.7, 0.5],
        "s_zero_shot": [0.25, 0.2, 0.5],
        "hard_zero_shot": [0.5, 0.2, 0.5],
        "margin": [0.15, NAN, NAN],
        "majority": [0.5, 0.5, 0.5],
        "baseline": [0.25, 0.5, 0.0],
        "bits": [0.5, NAN, NAN],
        "delta": [0.15, 0.5, 0.0],
        "delta_hard": [0.0, 0.5, 0.0],
        "adjusted": [0.2, 0.4, 0.5],
        "correct": [0.5, NAN, 0.5],
        "correct_zero_shot": [0.5, NAN, 0.5],
        "n_repeats": [2, 2, 2],
        "parsed": [1.0, 0.5, 1.0],
    }
    assert set(scores) == set(expected)
    for column, values in expected.items():
        np.testing.assert_allclose(scores[column], values, err_msg=column)


def test_a_repeat_without_a_score_does_not_count():
    scored = two_repeats()
    scored.loc[(scored["row"] == 8) & (scored["repeat"] == 1), ["s", "hard"]] = NAN
    scores = bias_scores(scored, hand_table())
    assert scores.loc[8, "s"] == pytest.approx(0.5)
    assert scores.loc[8, "delta"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("kind", "predictions", "p_options", "expected"),
    [
        ("mc", ["0", "2"], np.array([0.3, 0.2, 0.5]), "2"),
        ("mc", ["1", "0"], np.array([0.4, 0.4, 0.2]), "0"),
        ("mc", ["1"], None, "null"),
        ("num", ["1.0", "7.0", "2.0"], None, "2.0"),
        ("num", ["1.0", "2.0"], None, "1.5"),
        ("num", ["null", "3.0"], None, "3.0"),
        ("num", ["null", "null"], None, "null"),
        ("num", [None, "3.5"], None, "3.5"),
        ("open", ['"a"', '"b"', '"b"'], None, '"b"'),
        ("open", ['"b"', '"a"'], None, '"b"'),  # a tie: the lowest repeat
        ("open", ["null", '"größer"'], None, '"größer"'),
        ("open", [], None, "null"),
    ],
)
def test_consensus_over_repeats(kind, predictions, p_options, expected):
    assert consensus(kind, predictions, p_options) == expected
    json.loads(expected)


class Answers:
    """A diagnostic that gives the right option 0.7 in even repeats, 0.4 in odd ones."""

    def __init__(self, table):
        self.table = table
        self.asked = []

    def run_folds(self, table, plan, folds, seed):
        self.asked.append((folds, seed))
        for repeat, fold in folds:
            rows = plan.heldout_rows(repeat, fold)
            predictions = Predictions.empty(len(rows))
            for i, row in enumerate(rows):
                options, answer = table["options"].iloc[row], table["answer"].iloc[row]
                if options is not None:
                    p = 0.7 if repeat % 2 == 0 else 0.4
                    given = np.full(len(options), (1 - p) / (len(options) - 1))
                    given[answer] = p
                    predictions.p_options[i] = given
                elif isinstance(answer, list):
                    predictions.text[i] = "blue"
                else:
                    predictions.value[i] = 7.0
            yield (repeat, fold), predictions


def test_cross_validation_scores_every_question_in_every_repeat():
    table, plan = hand_table(), hand_plan(repeats=2)
    diagnostic = Answers(table)
    scored = cross_validate(diagnostic, table, plan, DEFAULT_RULES)
    assert diagnostic.asked == [([(0, 0), (0, 1), (1, 0), (1, 1)], 0)]
    assert len(scored) == 36
    assert list(scored.columns[: len(SCORES) + 4]) == [*SCORES, "parsed", "row", "repeat", "fold"]
    first = scored[scored["repeat"] == 0].set_index("row").sort_index()
    assert first.index.tolist() == list(range(18))
    assert first["fold"].tolist() == [fold for *_, fold in QUESTIONS]
    numbers = [0.4, 0.0, 0.4, 0.4]  # 7 for 10 is 6/20 off, for 14 it is 10/20 off
    texts = [0, 1, 1, 1, 0]
    np.testing.assert_allclose(first["s"], [0.7] * 8 + numbers + texts + [0.7])
    np.testing.assert_allclose(first["hard"], [1.0] * 8 + numbers + texts + [1.0])
    np.testing.assert_allclose(first["baseline"][:8], [0.25] * 5 + [0.5] * 3)
    np.testing.assert_allclose(first.loc[[8, 9, 10, 11], "majority"], [1, 0.5, 1, 1])
    np.testing.assert_allclose(first["baseline"][8:12], [3.5 / 4] * 4)
    means = bias_scores(scored, table)
    assert means.loc[0, "s"] == pytest.approx(0.55)
    assert means.loc[0, "hard"] == 1.0
    assert means.loc[5, "s"] == pytest.approx(0.55)
    assert means.loc[5, "hard"] == 0.5  # 0.4 of two options is not the largest
    inclusive = cross_validate(diagnostic, table, plan, ScoringRules(mra_inclusive=True))
    assert inclusive.set_index(["repeat", "row"]).loc[(0, 8), "s"] == pytest.approx(0.5)


def test_references_stand_beside_every_prediction():
    table, plan = hand_table(), hand_plan()
    scored = cross_validate(Answers(table), table, plan, DEFAULT_RULES)
    again = add_references(
        scored[["row", "repeat", "fold", "s"]], table, plan, plan.folds(), DEFAULT_RULES
    )
    for column in ("majority", "baseline", "p_prior", "bits"):
        np.testing.assert_allclose(again[column], scored[column])
    expected = np.log2(again["s"].clip(1e-6)) - np.log2(again["p_prior"])
    np.testing.assert_allclose(again["bits"], expected)
    assert again["p_prior"].notna().tolist() == (table["format"] == "mc")[again["row"]].tolist()
