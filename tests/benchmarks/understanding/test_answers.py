"""Gold answers: what each cell may mean, and what the rows together say it means."""

from __future__ import annotations

import pytest

from tst.benchmarks.settings import AnswerForm
from tst.benchmarks.understanding.answers import read_gold
from tst.benchmarks.understanding.gold_cells import READERS, ContradictionError, gold_cell, readings
from tst.benchmarks.understanding.open_answers import read_accepted
from tst.benchmarks.understanding.row import Row

FOUR = ["red", "green", "blue", "white"]


def row(answer, options=FOUR, kind="t", labels=None, right=None):
    return Row(0, "", "Which?", kind, "mc", list(options), labels, right, answer, {}, {})


def decide(rows, form="auto"):
    """(index or text, form) of each row, or its problem."""
    read_gold(rows, AnswerForm(form))
    return [r.problem or (r.answer, r.form) for r in rows]


def indices(answers, options=FOUR):
    return [r[0] for r in decide([row(a, options) for a in answers])]


def read(form, answers, options=FOUR):
    return [READERS[AnswerForm(form)](a, options) for a in answers]


@pytest.mark.parametrize(
    ("answers", "form", "found"),
    [
        (["A", "b", "(C)", "D.", "d)", "[B]", "Ａ", "（C）"], "letter", [0, 1, 2, 3, 3, 1, 0, 2]),
        ([0, 1, 2, 3], "index", [0, 1, 2, 3]),
        (["0", "3.0", 2.0], "index", [0, 3, 2]),
        ([1, 2, 3, 4] * 5, "index1", [0, 1, 2, 3] * 5),
        (["1)", "(2)", "3.", "[4]", "（4）"] * 4, "index1", [0, 1, 2, 3, 3] * 4),
        (["(0)", "3)", "2:"], "index", [0, 3, 2]),
        (["1) red", "(3) blue", "2. Green.", "4: white"], "text", [0, 2, 1, 3]),
        (["0) red", "2: blue"], "text", [0, 2]),
        (["red", " Green", "BLUE.", "B. green", "(c) blue"], "text", [0, 1, 2, 1, 2]),
        (["A", "B", "C", "E", "A", "B", "C", "D"], "letter", [0, 1, 2, 4, 0, 1, 2, 3]),
        ([["B"], "['C']", {"label": "A"}, {"text": "green", "label": "B"}], None, [1, 2, 0, 1]),
        (
            ["option b", "Answer: C", "choice_d", "Option 1", *"000"],
            None,
            [1, 2, 3, 1, 0, 0, 0],
        ),
    ],
)
def test_clear_forms(answers, form, found):
    decided = decide([row(a) for a in answers])
    assert [index for index, _ in decided] == found
    assert form is None or {f for _, f in decided} == {form}


def test_what_each_form_reads():
    assert read("letter", ["A", "b", "(B)", "D.", "d)", "E", "AB", None, 1]) == [
        0, 1, 1, 3, 3, 4, None, None, None,
    ]  # fmt: skip
    assert read("index", [0, "2", "3.0", True, "x", -1]) == [0, 2, 3, None, None, None]
    assert read("index1", [1, "4"]) == [0, 3]
    assert read("text", ["red", "GREEN", "(C) blue", "pink"]) == [0, 1, 2, None]
    assert read("text", ["x", "y"], ["x", "x", "y"]) == [None, 2]
    assert read("text", [2.0, "2.50", 4], ["2", "2.5", "3"]) == [0, 1, None]


@pytest.mark.parametrize(
    ("answers", "options", "says"),
    [
        ([4, 4, 4], FOUR, "index1 (option 4)"),
        ([1, 2, 3, 1], FOUR, "index (option 2), index1 (option 1)"),
        ([1, 2, 4, 1], FOUR, "index (option 2), index1 (option 1)"),
        (
            [2, 0, 1, 3],
            list("3210"),
            "index (option 3), index1 (option 2), text (option 2)",
        ),
        (["B", "A", "C"], ["C", "B", "A"], "letter (option 2)"),
        ([0, 1, 1], ["yes", "no"], "yes/no (option 2)"),
    ],
)
def test_unclear_cells_are_left_out_with_what_would_tell(answers, options, says):
    problems = decide([row(a, options) for a in answers])
    told = [p for p in problems if isinstance(p, str)]
    assert len(told) >= len(answers) - 1
    if answers != ["B", "A", "C"]:
        assert any(says in p for p in told)
    assert all("benchmark.answer_as=" in p for p in told)


def test_no_and_yes_by_their_place_agree_with_their_sense():
    assert indices([0, 1, 1], ["no", "yes"]) == [0, 1, 1]
    assert indices([False, True, "y", "N", "true"], ["yes", "no"]) == [1, 0, 0, 1, 0]


def test_the_same_options_decide_before_the_whole_type():
    even = ["2", "4", "6", "8"]
    rows = [row(a, even) for a in (6, 8, 4, 2)] + [row(a) for a in (0, 3, 2, 1)]
    decided = decide(rows)
    assert decided[:4] == [(i, "text") for i in (2, 3, 1, 0)]
    assert decided[4:] == [(i, "index") for i in (0, 3, 2, 1)]


def test_letters_and_texts_in_one_type():
    assert decide([row("A"), row("green"), row("D"), row("C. blue")]) == [
        (0, "letter"), (1, "text"), (3, "letter"), (2, "text"),
    ]  # fmt: skip


def test_types_that_count_otherwise_are_told_apart():
    from_zero = [row(i % 4, kind="a") for i in range(20)]
    from_one = [row(i % 4 + 1, kind="b") for i in range(20)]
    decided = decide([*from_zero, *from_one])
    assert [f for _, f in decided] == ["index"] * 20 + ["index1"] * 20
    # too few to tell by themselves, and at odds with the rest
    few = [row(a, kind="c") for a in (1, 4, 2)]
    assert all(isinstance(p, str) for p in decide([*[row(i % 4) for i in range(20)], *few])[-3:])


@pytest.mark.parametrize(
    ("gold", "says"),
    [
        ("B. tin", "option B is 'green'"),
        ("A) blue", "option A is 'red'"),
        ("F. red", "there are 4 options"),
        ("4) red", "its text is option 1"),
        (["A", "C"], "names several options"),
        ("A, C", "names several options"),
        ("ABD", "names several options"),
        ("(A)(C)", "names several options"),
        ("A|C", "names several options"),
        ("0,2", "names several options"),
        ("Blue, red", "names several options"),
    ],
)
def test_cells_that_contradict_themselves(gold, says):
    (problem,) = decide([row(gold)])
    assert says in problem
    assert "names several" in says or "contradicts itself" in problem


def test_the_text_of_two_options_names_neither():
    for gold, options in (("red", ["red", "red", "blue"]), ("rED", ["Red", "RED", "blue"])):
        (problem,) = decide([row(gold, options)])
        assert problem == f"the gold '{gold}' names several options, not one"
    assert decide([row("RED", ["Red", "RED", "blue"])]) == [(1, "text")]


def test_golds_of_several_options_are_one_reason():
    golds = [["A", "C"], ["A", "B", "D"], "['B', 'C']", [0, 3]]
    problems = decide([row(gold) for gold in golds])
    shape = {problem.replace(problem.split("'")[1], "") for problem in problems}
    assert shape == {"the gold '' names several options, not one"}


def test_a_number_at_the_beginning_of_an_option_is_part_of_it():
    clubs = ["1. FC Köln", "2. FC Bern", "FC Bern", "10:30 train"]
    assert indices(["1. FC Köln", "2. FC Bern", "FC Bern", "10:30 train"], clubs) == [0, 1, 2, 3]


def test_keys_that_the_options_give_go_first():
    labels = ["1", "2", "10"]
    assert decide([row(a, ["x", "y", "z"], labels=labels) for a in ("10", 2, "1")]) == [
        (2, "key"), (1, "key"), (0, "key"),
    ]  # fmt: skip
    assert decide([row("D", ["x", "y", "z"], labels=["A", "B", "D"])]) == [(2, "key")]
    assert decide([row("D", ["x", "y", "z"], labels=["A", "B", "D"])], "letter") == [(2, "letter")]


def test_marked_options_are_the_gold_or_contradict_it():
    assert decide([row(None, right=2)]) == [(2, "marked")]
    assert decide([row(None)]) == ["no gold answer"]
    assert decide([row("C", right=2)]) == [(2, "letter")]
    assert decide([row("A", right=2)]) == [
        "the gold is option 1, but another option is marked as right"
    ]


def test_names_and_intervals_are_options():
    assert indices(["A. Lincoln"], ["A. Lincoln", "B. Franklin"]) == [0]
    assert indices(["[0, 1]"], ["[0, 1]", "[1, 2]"]) == [0]


def test_gold_cells_are_unwrapped():
    assert gold_cell(["x"]) == "x"
    assert gold_cell(["x", "x"]) == "x"
    assert gold_cell('["x"]') == "x"
    assert gold_cell({"other": 1}) == {"other": 1}
    with pytest.raises(ContradictionError):
        gold_cell(["x", "y"])


def test_readings_of_forms_that_agree_are_no_conflict():
    assert set(readings("B", ["A", "B", "C"])[1].values()) == {1}


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        ("four", ["four"]),
        (4, ["4"]),
        (["4", "four", "4"], ["4", "four", "4"]),
        ("['24/7', '3.429']", ["24/7", "3.429"]),
        ('["x"]', ["x"]),
        ("[0, 1]", ["[0, 1]"]),
        ("['x", ["['x"]),
        (None, []),
        ("", []),
        ([{"answer": "red", "answer_id": 1}, {"answer": "red"}], ["red", "red"]),
        ([{"answer": "red", "count": 2}, {"text": "blue"}], ["red", "red", "blue"]),
        ({"red": 2, "blue": 1}, ["red", "red", "blue"]),
        ([["red", 2], ["blue", 1]], ["red", "red", "blue"]),
        ({"text": ["red", "blue"], "answer_start": [1, 2]}, ["red", "blue"]),
        ("[{'answer': 'red', 'answer_confidence': 'yes'}]", ["red"]),
        ({"value": "red", "aliases": ["Red", "crimson", "red"]}, ["red", "Red", "crimson"]),
        ({"value": "red", "aliases": []}, ["red"]),
    ],
)
def test_accepted_texts(answer, accepted):
    assert read_accepted(answer) == accepted
