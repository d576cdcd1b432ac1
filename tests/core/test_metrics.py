import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tst.core.metrics import (
    _merge_close,
    answer_key,
    as_number,
    best_constant,
    mean_relative_accuracy,
    normalise_text,
    score_options,
    text_matches,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def one_mra(predicted: float, gold: float, inclusive: bool) -> float:
    return float(mean_relative_accuracy(np.array(predicted), np.array(gold), inclusive))


@pytest.mark.parametrize(
    ("predicted", "gold", "strict", "inclusive"),
    [
        (10, 10, 1.0, 1.0),
        (7, 10, 0.4, 0.5),  # error .30: thresholds .50 .45 .40 .35 and, at equality, .30
        (19, 20, 0.9, 1.0),  # error .05: equal to the last threshold
        (9, 10, 0.8, 0.9),
        (20, 10, 0.0, 0.0),
        (15, 10, 0.0, 0.1),
        (0, 0, 1.0, 1.0),
        (1e-12, 0, 0.0, 0.0),
        (-10, -10, 1.0, 1.0),
        (float("nan"), 10, 0.0, 0.0),
        (float("nan"), 0, 0.0, 0.0),
        (float("inf"), 10, 0.0, 0.0),
    ],
)
def test_mra_by_hand(predicted, gold, strict, inclusive):
    assert one_mra(predicted, gold, inclusive=False) == pytest.approx(strict)
    assert one_mra(predicted, gold, inclusive=True) == pytest.approx(inclusive)


@given(st.floats(-50, 50), st.floats(-50, 50), st.booleans())
def test_mra_is_the_mean_over_its_thresholds(predicted, gold, inclusive):
    """20 |error| < j |gold| for j = 1..10, each with a relative tolerance of 1e-9."""
    error, size = 20 * abs(predicted - gold), abs(gold)
    within = [
        error <= j * size * (1 + 1e-9) if inclusive else error < j * size * (1 - 1e-9)
        for j in range(1, 11)
    ]
    expected = float(predicted == 0) if gold == 0 else sum(within) / 10
    assert one_mra(predicted, gold, inclusive) == pytest.approx(expected)


def test_mra_of_columns_of_objects():
    """As a table's answers and predictions come: any numbers, None where there is none."""
    predicted, gold = np.array([7, None, 1e308], dtype=object), np.array([10.0, 3, 1], dtype=object)
    np.testing.assert_allclose(mean_relative_accuracy(predicted, gold, False), [0.4, 0, 0])
    np.testing.assert_allclose(mean_relative_accuracy([7, 9], [10, 10], True), [0.5, 0.9])
    assert best_constant([10, 10, 14], False) == 10.0


def test_mra_broadcasts():
    scores = mean_relative_accuracy(np.array([[1.0], [2.0]]), np.array([1.0, 2.0, 0.0]), False)
    np.testing.assert_allclose(scores, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@given(
    st.lists(st.integers(-9, 60), min_size=1, max_size=8),
    st.sampled_from([1.0, 0.1, 0.37]),
    st.booleans(),
)
def test_best_constant_is_beaten_by_no_other(golds, unit, inclusive):
    gold = np.array(golds) * unit
    ends = np.sort((gold[:, None] * (1 + np.arange(-10, 11) / 20)).ravel())
    others = np.concatenate([[0.0], ends, (ends[1:] + ends[:-1]) / 2])
    reached = mean_relative_accuracy(others[:, None], gold[None, :], inclusive).mean(axis=1)
    best = np.array(best_constant(gold, inclusive))
    assert mean_relative_accuracy(best, gold, inclusive).mean() >= reached.max() - 1e-9


def test_interval_ends_that_differ_by_rounding_are_one():
    gold = np.array([1.6, 2.8])  # 1.6 * 1.05 and 2.8 * 0.6 are 1.68, but for rounding
    assert mean_relative_accuracy(
        np.array(best_constant(gold, False)), gold, False
    ).mean() == pytest.approx(0.6)


def test_columns_of_objects_are_read_as_numbers():
    assert best_constant(np.array([30, 10, 10], dtype=object), False) == 10.0
    _, hard, _ = score_options([np.array([0.2, 0.8])], np.array([1], dtype=object))
    assert hard.tolist() == [1.0]


def test_best_constant_of_nothing_and_of_zeros():
    assert np.isnan(best_constant(np.array([]), False))
    assert best_constant(np.array([0.0, 0.0, 3.0]), False) == 0.0
    assert best_constant(np.zeros(3), False) == 0.0


def test_best_constant_by_hand():
    assert best_constant(np.array([2.0, 2.0, 2.0, 9.0]), False) == pytest.approx(2.0, rel=0.05)
    assert best_constant(np.array([-4.0, -4.0]), False) == pytest.approx(-4.0, rel=0.05)
    # of the golds in the best stretch the median; without one the middle of the stretch
    assert best_constant(np.array([10.0, 10.2, 10.3]), False) == 10.2
    assert best_constant(np.array([19.0, 21.0]), True) == pytest.approx(19.95)
    assert best_constant(np.array([0.0, 5.0]), False) == 0.0  # equally good: the lowest
    assert best_constant(np.array([0.0, 5.0, 5.1]), False) == pytest.approx(5.05, abs=0.06)
    assert best_constant(np.array([2.0, 3.0]), True) == pytest.approx(2.1)  # 2 scores 1, 3 0.5


@pytest.mark.parametrize("scale", [1e6, 1.0, 1e-6])
@pytest.mark.parametrize("side", [-1, 1])
def test_a_gold_at_the_edge_of_anothers_interval_is_not_chosen(scale, side):
    """Scored with its tolerance, such a constant would miss a threshold of the other.

    The best stretch lies between an end of the first gold's interval and one of the second's; of
    the golds only the third lies in it, just inside of its edge.
    """
    first, second = scale / (1 - side * 0.05), scale * (1 + side * 0.03) / (1 + side * 0.05)
    gold = np.array([first, second, scale * (1 + side * 1e-11)])
    best = best_constant(gold, False)
    inside = np.linspace(min(gold), max(gold), 999)
    reached = mean_relative_accuracy(inside[:, None], gold[None, :], False).mean(axis=1).max()
    assert mean_relative_accuracy(np.array(best), gold, False).mean() == pytest.approx(reached)


def test_ends_that_are_equal_but_for_rounding_become_one():
    for scale in (1.0, 1e6, 1e-6):
        ends = np.array([[3.0, 1.0, 5.0], [1.0 + 1e-9, 2.0, 1.0 - 1e-9]]) * scale
        merged = _merge_close(ends)
        assert merged.shape == (2, 3)
        assert len(np.unique(merged)) == 4
        np.testing.assert_allclose(merged, ends, rtol=1e-8)
        apart = np.array([1.0, 1.0 + 1e-8]) * scale
        np.testing.assert_array_equal(_merge_close(apart), apart)


@pytest.mark.parametrize(
    ("predicted", "accepted", "matches"),
    [
        ("The Eiffel Tower.", ["eiffel tower"], True),
        ("1,000", ["1000.0"], True),
        ("$12", ["12"], True),
        ("3", ["three", "3.0"], True),
        ("31", ["3"], False),
        ("cat", ["dog"], False),
        (None, ["dog"], False),
        ("", ["a"], False),
        ("a", ["a"], True),
        ("a", ["A"], True),  # an article may be the answer
        ("The A.", ["the a"], True),
        ("an apple", ["Apple"], True),
        ("STRASSE", ["Straße"], True),
        ("?", ["?"], True),
        ("−5", ["5"], False),
        ("−5", ["-5.0"], True),
        ("-3 cm", ["3 cm"], False),
        ("-3 cm", ["−3 cm."], True),
    ],
)
def test_text_matches(predicted, accepted, matches):
    assert text_matches(predicted, accepted) is matches


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3", 3.0), (" 3. ", 3.0), ("$3", 3.0), ("3 %", 3.0), ("-1,234.5", -1234.5), ("+.5", 0.5),
        ("1e3", 1000.0), ("2E-2", 0.02), ("X3X", None), ("3X", None), (".3.", 0.3), ("three", None),
        ("1,23", None), ("", None), ("3 4", None),
    ],
)  # fmt: skip
def test_a_text_that_is_a_number(text, number):
    assert as_number(text) == number


def test_normalise_text():
    assert normalise_text("  An apple,  the PEAR! ") == "apple pear"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Apple", "an apple."), ("3.0", "3"), ("1,000", "1000"), ("The", "the"), ("?", "? "),
        ("−5", "-5.0"), ("", ""),
    ],
)  # fmt: skip
def test_equal_answers_share_a_key(one, other):
    assert answer_key(one) == answer_key(other)
    assert answer_key(one) != answer_key("pear")


def test_score_options_ties_margin_and_missing():
    given_ = [np.array([0.5, 0.5]), np.array([0.2, 0.3, 0.5]), None, np.array([np.nan, 1.0])]
    soft, hard, margin = score_options(given_, np.array([1, 2, 5, 1]))
    np.testing.assert_allclose(soft, [0.5, 0.5, np.nan, np.nan])
    np.testing.assert_allclose(hard, [0.0, 1.0, np.nan, np.nan])  # a tie goes to the lowest index
    np.testing.assert_allclose(margin, [0.0, 0.2, np.nan, np.nan])


@pytest.mark.parametrize(
    ("said", "gold", "matches"),
    [
        ("y=x+1", "y = x + 1", True),
        ("y=x+1", "y=x-1", False),
        ("y=x−1", "y=x-1", True),
        ("2*3", "2/3", False),
        ("x^2", "x2", False),
        ("x^2.", "X^2", True),
        ("3 < 4", "3 > 4", False),
        ("a well-known tree", "well known tree", True),
        ("T-shirt", "t shirt", True),
        ("covid-19", "COVID 19", True),
    ],
)
def test_equations_are_not_words(said, gold, matches):
    assert text_matches(said, [gold]) is matches
