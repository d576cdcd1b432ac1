from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from tst.core.scoring_rules import ScoringRules

STRICT, INCLUSIVE = ScoringRules(), ScoringRules(mra_inclusive=True)


def test_thresholds_are_strict_or_inclusive():
    predicted, gold = np.array([7.0, 9.0]), np.array([10.0, 10.0])
    np.testing.assert_allclose(STRICT.score_numbers(predicted, gold), [0.4, 0.8])
    np.testing.assert_allclose(INCLUSIVE.score_numbers(predicted, gold), [0.5, 0.9])


def test_the_best_number_follows_the_thresholds():
    """19.95 is exactly 5% above 19 and 5% below 21: both score 1 where thresholds count."""
    gold = np.array([19.0, 21.0])
    for rules, best in ((STRICT, 1.9), (INCLUSIVE, 2.0)):
        reached = rules.score_numbers(np.array(rules.best_number(gold)), gold).sum()
        assert reached == pytest.approx(best)


def test_texts_score_one_or_nothing():
    assert STRICT.score_text("The cat.", ["dog", "Cat"]) == 1.0
    assert STRICT.score_text("cats", ["dog", "Cat"]) == 0.0
    assert STRICT.score_text(None, ["dog"]) == 0.0


def test_rules_cannot_change_on_their_way():
    with pytest.raises(FrozenInstanceError):
        STRICT.mra_inclusive = True


ANNOTATORS = ["red", "red", "Red.", "blue", "blue", "green"]


@pytest.mark.parametrize(
    ("rule", "red", "blue", "green", "pink"),
    [("vqa", 1.0, 2 / 3, 1 / 3, 0.0), ("auto", 1.0, 2 / 3, 1 / 3, 0.0), ("match", 1, 1, 1, 0)],
)
def test_vqa_accuracy_counts_the_annotators_who_agree(rule, red, blue, green, pink):
    rules = ScoringRules(open=rule)
    scores = [rules.score_text(text, ANNOTATORS) for text in ("red", "the blue", "GREEN", "pink")]
    assert scores == pytest.approx([red, blue, green, pink])
    assert rules.score_text(None, ANNOTATORS) == 0.0
    assert rules.score_text("red", ["red"] * 9 + ["blue"]) == 1.0  # more than enough is no more


def test_accepted_answers_that_are_not_repeated_are_matched():
    assert ScoringRules(open="auto").score_text("car", ["car", "automobile"]) == 1.0
    assert ScoringRules(open="vqa").score_text("car", ["car", "automobile"]) == pytest.approx(1 / 3)
