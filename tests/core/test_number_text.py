import math

import pytest

from tst.core.number_text import NUMBER_WORDS, decimal, duration, percent, percent_interval


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1234, "12.3"), (1.0, "100.0"), (-0.05, "−5.0"), (0, "0.0"), (None, "–"), (math.nan, "–")],
)
def test_a_score_is_percent_with_one_digit(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(1.23456, "1.235"), (-2, "−2.000"), (None, "–"), (math.inf, "–")]
)
def test_a_number_has_three_digits(value, text):
    assert decimal(value) == text


def test_digits_can_be_chosen():
    assert percent(0.12346, 2) == "12.35"
    assert decimal(1.26, 1) == "1.3"


@pytest.mark.parametrize(
    ("seconds", "text"), [(40.4, "40 s"), (119, "119 s"), (120, "2 min"), (400, "7 min")]
)
def test_a_time_to_wait_is_in_seconds_or_minutes(seconds, text):
    assert duration(seconds) == text


def test_number_words():
    assert [NUMBER_WORDS[w] for w in ("zero", "ten", "nineteen", "twenty", "thirty", "ninety")] == [
        0, 10, 19, 20, 30, 90
    ]  # fmt: skip
    assert len(NUMBER_WORDS) == 21 + 7


def test_the_bounds_of_an_interval_are_percents():
    assert percent_interval(-0.0312, 0.5) == "[−3.1, 50.0]"
    assert percent_interval(None, 0.1) == "[–, 10.0]"
