"""The form of gold answers: decided from evidence, or refused."""

from __future__ import annotations

import pytest

from tst.benchmarks.answers import READERS, decide_form, read_accepted
from tst.benchmarks.settings import AnswerForm
from tst.core.errors import UserError

FOUR = ["red", "green", "blue", "white"]


def decide(answers, options=FOUR):
    return decide_form("b", answers, [options] * len(answers))


def read(form, answers, options=FOUR):
    return [READERS[AnswerForm(form)](a, options) for a in answers]


@pytest.mark.parametrize(
    ("answers", "form"),
    [
        (["A", "b", "(C)", "D.", "d)"], "letter"),
        ([0, 1, 2, 3], "index"),
        (["0", "3.0", 2.0], "index"),
        ([1, 2, 3, 4] * 5, "index1"),
        (["red", " Green", "BLUE", "B. green"], "text"),
        (["A", "B", "C", "E", "A", "B", "C", "D"], "letter"),
    ],
)
def test_clear_forms(answers, form):
    assert decide(answers) is AnswerForm(form)


def test_what_each_form_reads():
    assert read("letter", ["A", "b", "(C)", "D.", "d)", "E", "AB", None, 1]) == [
        0, 1, 2, 3, 3, 4, None, None, None,
    ]  # fmt: skip
    assert read("index", [0, "2", "3.0", True, "x", -1]) == [0, 2, 3, None, None, None]
    assert read("index1", [1, "4"]) == [0, 3]
    assert read("text", ["red", "GREEN", "(C) blue", "pink"]) == [0, 1, 2, None]
    assert read("text", ["x", "y"], ["x", "x", "y"]) == [None, 2]


@pytest.mark.parametrize(
    ("answers", "options", "says"),
    [
        ([1, 2, 3, 1], FOUR, "index and as index1"),
        ([1, 2, 4, 1], FOUR, "too few to tell"),
        ([2, 0, 1, 3], ["3", "2", "1", "0"], "index and as text"),
        (["B", "A", "C"], ["C", "B", "A"], "letter and as text"),
        (["pink", "grey", "red"], FOUR, "cannot be read"),
        ([None, "", "A"], FOUR, "cannot be read"),
    ],
)
def test_unclear_forms_are_refused(answers, options, says):
    with pytest.raises(UserError, match=says) as caught:
        decide(answers, options)
    assert "benchmark.answer_as=" in str(caught.value) or "benchmark.columns" in str(caught.value)


def test_forms_that_agree_are_no_conflict():
    assert decide(["A", "B", "C"], ["A", "B", "C"]) in (AnswerForm.letter, AnswerForm.text)


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("four", ["four"]),
        (4, ["4"]),
        (["4", "four", "4"], ["4", "four"]),
        ("['24/7', '3.429']", ["24/7", "3.429"]),
        ('["x"]', ["x"]),
        ("[0, 1]", ["[0, 1]"]),
        ("['x", ["['x"]),
        (None, []),
        ("", []),
    ],
)
def test_accepted_texts(answer, accepted):
    assert read_accepted(answer) == accepted
