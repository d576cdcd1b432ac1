"""The right answer in one column, the wrong options in others."""

from __future__ import annotations

import pytest

from tests.benchmarks.understanding.reading import formats, load, load_csv, reasons, told

WRONG = ["grey", "12", "Mr. Ray"]


@pytest.mark.parametrize(
    "columns",
    [
        {"distractors": WRONG},
        {"incorrect_answers": "grey; 12; Mr. Ray"},
        {"wrong_options": "['grey', '12', 'Mr. Ray']"},
        {f"distractor{i + 1}": text for i, text in enumerate(WRONG)},
        {f"Incorrect Answer {i + 1}": text for i, text in enumerate(WRONG)},
    ],
)
def test_the_answer_joins_the_wrong_options_in_an_order_of_their_own(tmp_path, columns):
    """They were read as open questions, of which nothing can be guessed."""
    records = [
        {"question": f"Which sail {i}?", "correct_answer": str(i + 20), **columns}
        for i in range(60)
    ]
    table = load(tmp_path, records)
    assert formats(table) == {"mc": 60}
    for options, answer, record in zip(
        table.frame["options"], table.frame["answer"], records, strict=True
    ):
        assert options[answer] == record["correct_answer"]
        assert sorted(options) == sorted([record["correct_answer"], *WRONG])
    places = table.frame["answer"].value_counts()
    assert len(places) == 4 and places.min() >= 5
    assert f"those of {', '.join(columns)}, in an order drawn from their texts." in told(table)
    again = load(tmp_path, records[::-1])
    assert again.frame["options"].tolist() == table.frame["options"].tolist()[::-1]


def test_rows_without_wrong_options_and_rows_that_contradict_themselves(tmp_path):
    text = "question,answer,distractor1,distractor2\n" + "".join(
        f"Who {i}?,a{i},b,c\n" for i in range(8)
    )
    table = load_csv(tmp_path, text + "Who 8?,b,B,c\nWho 9?,,b,c\nWho 10?,me,,\n")
    assert list(reasons(table).values()) == [
        "the gold answer is one of the wrong options", "no gold answer",
    ]  # fmt: skip
    assert formats(table) == {"mc": 8, "open": 1}


@pytest.mark.parametrize("name", ["incorrect_reason", "wrong_rate", "negative_id", "falsehood"])
def test_columns_about_something_else_hold_no_options(tmp_path, name):
    records = [{"question": f"Who {i}?", "answer": f"a{i}", name: "b"} for i in range(6)]
    assert formats(load(tmp_path, records)) == {"open": 6}
