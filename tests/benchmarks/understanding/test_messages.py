"""What is said of files that are not understood, or have very many types."""

from __future__ import annotations

import pytest

from tests.benchmarks.understanding.reading import load, load_csv, told, warnings
from tst.benchmarks.understanding.describe import whole_text
from tst.core.errors import UserError, brief


def test_reasons_that_differ_in_what_they_quote_are_one(tmp_path):
    """Long cells were cut behind their first quote, so that every row had a reason of its own."""
    records = [
        {"question": f"Which sail {i}?", "options": f"sail {'abc '[i % 4] * 80} {i}", "answer": "B"}
        for i in range(9)
    ]
    with pytest.raises(UserError) as raised:
        load(tmp_path, records)
    (reason,) = [line for line in str(raised.value).splitlines() if line.startswith("  ")]
    assert reason.startswith("  9 rows: options 'sail aaa")


@pytest.mark.parametrize("text", ["a" * 200, "it's " * 40, "short", 'say "x" ' * 30])
def test_a_text_in_a_message_keeps_both_its_quotes(text):
    shown = brief(text)
    assert shown[0] == shown[-1] and shown[0] in "'\"" and len(shown) < 100


def test_an_empty_answer_column_is_named(tmp_path):
    with pytest.raises(UserError, match="the column answer is empty in every row"):
        load_csv(tmp_path, "question,A,B,answer\nWho?,me,you,\nWhere?,here,there,\n")


def test_a_column_that_says_the_same_everywhere_is_no_type(tmp_path):
    rows = "".join(
        f"Who {i}?,me,you,{'AB'[i % 2]},all,{('near', 'far')[i % 2]}\n" for i in range(8)
    )
    table = load_csv(tmp_path, "question,A,B,answer,task,category\n" + rows)
    assert sorted(set(table.frame["question_type"])) == ["far", "near"]
    assert "The type is category; task says the same in every row." in told(table)


def test_many_types_are_shown_in_part(tmp_path):
    records = [
        {
            "question": f"Who {i}?",
            "options": ["me", "you"],
            "answer": "AB"[i % 2],
            "type": f"t{i // 3}",
        }
        for i in range(300)
    ]
    table = load(tmp_path, records)
    assert table.understanding is not None
    text = whole_text("x", table.understanding, "tst audit x")
    assert "  and 80 more types  240 questions\n    240 mc  2 options; answers: letter\n" in text
    assert len(text.splitlines()) < 160


@pytest.mark.parametrize("aliases", [["reds", "red"], "reds|red", '["reds", "red"]'])
def test_a_column_of_aliases_widens_what_open_questions_accept(tmp_path, aliases):
    records = [
        {"question": f"Which sail {i}?", "answer": "red", "aliases": aliases} for i in range(4)
    ]
    table = load(tmp_path, records)
    assert table.frame["answer"].tolist() == [["red", "reds"]] * 4
    assert "Open questions accept what aliases says, too." in told(table)


@pytest.mark.parametrize("name", ["image", "video_id", "img_path"])
def test_pictures_that_all_differ_make_questions_differ(tmp_path, name):
    """A picture of its own in every row was taken for no picture at all."""
    records = [{"question": "How many boats?", "answer": i % 4, name: f"{i}.png"} for i in range(9)]
    assert "occur more than once" not in warnings(load(tmp_path, records))
    same = [{**record, name: "one.png"} for record in records]
    assert "9 questions occur more than once" in warnings(load(tmp_path, same))


def test_what_moves_a_terminal_is_not_printed(tmp_path):
    records = [
        {"question": f"Who\x1b[2J {i}\u202e?", "answer": "me\x07", "type": "a\n  b\x1b[31m"}
        for i in range(4)
    ]
    table = load(tmp_path, records)
    assert table.understanding is not None
    text = whole_text("x", table.understanding, "tst audit x")
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "  a b[31m  4 open" in text
