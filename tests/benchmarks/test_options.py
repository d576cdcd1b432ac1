"""Options in every form, and values in text."""

from __future__ import annotations

import ast
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tst.benchmarks.lettered import Lettered, split_lettered, split_question, strip_letters
from tst.benchmarks.options import read_options
from tst.benchmarks.values import MAX_LIST_ITEMS, parse_list, parse_number


@given(st.lists(st.one_of(st.text(), st.none()), max_size=8))
def test_python_lists_read_as_python_reads_them(items):
    assert parse_list(repr(items)) == items == ast.literal_eval(repr(items))


@given(st.text(alphabet="[]()'\"\\,nux01 aN\n", max_size=60))
def test_no_text_breaks_the_list_parser(text):
    for candidate in (text, f"[{text}]"):
        items = parse_list(candidate)
        assert items is None or all(i is None or isinstance(i, str) for i in items)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("['a', 'b']", ["a", "b"]),
        ('["a", "it\'s"]', ["a", "it's"]),
        (r"['it\'s', 'x\ny', '\\frac{1}{2}']", ["it's", "x\ny", r"\frac{1}{2}"]),
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),
        ("[1, 2.50, -3e5]", ["1", "2.50", "-3e5"]),
        ("[1 2 3]", ["1", "2", "3"]),
        ("[true, null]", ["True", None]),
        ("['one',]", ["one"]),
        ("[]", []),
        ("[['a'], 'b']", None),
        ("['a', __import__('os')]", None),
        ("['a' + 'b']", None),
        ("('a', 'b')", None),
        ("'a', 'b'", None),
        ("['a", None),
        ("", None),
    ],
)
def test_lists_in_text(text, items):
    assert parse_list(text) == items


@pytest.mark.parametrize(
    "text",
    [
        "[" * 150_000 + "]" * 10,
        "[" + "-" * 150_000 + "1]",
        "['" + "\\" * 150_001 + "']",
        "[" + "'" * 150_000 + "]",
        "[" + "1," * (MAX_LIST_ITEMS + 5) + "]",
        "[" + " " * 150_000 + "x]",
        "['a'" + " " * 150_000 + "x]",
        "['" + "x" * 1_000_000 + "']",
        "[" + '{"a":' * 50_000 + "]",
    ],
)
def test_hostile_lists_end_quickly(text):
    start = time.time()
    assert parse_list(text) is None
    assert time.time() - start < 2


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        (["a ", "b"], ["a", "b"]),
        (["a", "b", "", None], ["a", "b"]),
        ("['a', 'b', '']", ["a", "b"]),
        ([1, 2.5, True], ["1", "2.5", "True"]),
        ({"B": "two", "A": "one"}, ["one", "two"]),
        ('{"A": "one", "B": "two"}', ["one", "two"]),
        ("A. one\nB. two\nC. three", ["one", "two", "three"]),
        ("(A) one (B) two", ["one", "two"]),
        (None, None),
        ("  ", None),
        (float("nan"), None),
        ([], None),
        ("[]", None),
        ([None, ""], None),
    ],
)
def test_option_cells(cell, options):
    read = read_options(cell)
    assert (read and read.texts) == options


def test_options_with_a_separator():
    assert read_options("one | two|three", "|").texts == ["one", "two", "three"]
    with pytest.raises(ValueError, match="options_separator"):
        read_options("one | two")


def test_a_blank_between_options_is_no_option():
    with pytest.raises(ValueError, match="option 2 of 3 is blank"):
        read_options(["a", " ", "c"])


@pytest.mark.parametrize(
    ("lettered", "plain"),
    [
        (["A. one", "B. two"], ["one", "two"]),
        (["(A) one", "(B) two"], ["one", "two"]),
        (["A) one", "B) two"], ["one", "two"]),
        (["A: one", "B:two"], ["one", "two"]),
        (["a. one", "b. two"], ["one", "two"]),
        (["A.one", "B.two"], ["one", "two"]),
        (["A. A. Milne", "B. Potter"], ["A. Milne", "Potter"]),
        (["B. one", "A. two"], None),
        (["A. one", "two"], None),
        (["A", "B"], None),
        (["(A)", "(B)"], None),
        (["A one", "B two"], None),
        (["A.", "B."], None),
    ],
)
def test_letters_are_stripped_only_where_all_options_carry_their_own(lettered, plain):
    found = strip_letters(lettered)
    assert (found and found.texts) == plain


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("A: one, B: two, C: three", ["one", "two", "three"]),
        ("A: one, two, B: three: four", ["one, two", "three: four"]),
        ("A: x = {\nB: 1\n}, B: y\nz", ["x = {", "1\n}, B: y\nz"]),
        ("(A) one (B) two\n(C) three", ["one", "two", "three"]),
        ("A. one. B. two. C. three.", ["one.", "two.", "three."]),
        ("A. Plan A. is best B. no", ["Plan A. is best", "no"]),
        ("A: (A), B: (B)", ["(A)", "(B)"]),
        ("A: one", None),
        ("one, two", None),
        ("B: one, A: two", None),
        ("", None),
    ],
)
def test_lettered_text(text, options):
    found = split_lettered(text)
    assert (found and found.texts) == options


@pytest.mark.parametrize(
    ("text", "question", "options"),
    [
        ("Which?\nOptions: A: one, B: two", "Which?", ["one", "two"]),
        ("Options: are these?\nOptions: (A) one (B) two", "Options: are these?", ["one", "two"]),
        ("Hint: say A, B.\nWhich?\nA. one\nB. two", "Hint: say A, B.\nWhich?", ["one", "two"]),
        ("Which?\nChoices:\n(A) one\n(B) two", "Which?", ["one", "two"]),
    ],
)
def test_questions_that_hold_their_options(text, question, options):
    assert split_question(text) == (question, Lettered(options))


def test_questions_without_options():
    assert split_question("What is it?") is None
    assert split_question("Which?\nOptions: none") is None


@settings(max_examples=50)
@given(
    st.lists(
        st.text(alphabet="abc xyz,.()\n", min_size=1).map(str.strip).filter(bool),
        min_size=2,
        max_size=6,
    )
)
def test_split_undoes_join(options):
    # an option's own trailing comma belongs to what stands between options
    options = [o.rstrip(" ,;\n.") or "x" for o in options]
    joined = ", ".join(f"{'ABCDEF'[i]}: {o}" for i, o in enumerate(options))
    assert split_lettered(joined) == Lettered(options)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("4", 4.0),
        (" 17.4 ", 17.4),
        ("-1,234,567.5", -1234567.5),
        ("2e3", 2000.0),
        (".5", 0.5),
        (3, 3.0),
        ("1_000", None),
        ("12,34", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        ("four", None),
        ("", None),
        (None, None),
        (".", None),
        ("e5", None),
        ("9" * 200, None),
    ],
)
def test_numbers(cell, number):
    assert parse_number(cell) == number
