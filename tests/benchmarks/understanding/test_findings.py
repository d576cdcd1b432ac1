"""What is told of a table: likely mistakes, rows that are left out, repeats and copies."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.loading import load, settings_of
from tst.benchmarks.load import load_benchmark
from tst.benchmarks.understanding.describe import short_block, whole_text
from tst.core.errors import UserError


def warnings(table):
    return "\n".join(table.understanding.warnings)


def mc(i, **changes):
    row = {"question": f"Which {i}?", "options": ["red", "blue", f"h{i}"], "answer": "ABC"[i % 3]}
    return row | changes


def test_the_same_question_several_times(tmp_path):
    records = [mc(i % 6) for i in range(12)]
    assert "12 questions occur more than once" in warnings(load(tmp_path, records))
    # another picture makes another question
    records = [mc(i % 6, image=f"p{i // 2}") for i in range(12)]
    table = load(tmp_path, records)
    assert "more than once" not in warnings(table)
    assert table.understanding.same_text == 12


def test_one_answer_for_nearly_all(tmp_path):
    records = [mc(i, answer="B", options=["red", f"h{i}"]) for i in range(12)]
    assert "the gold's place among the options is 2 in 12 of 12" in warnings(
        load(tmp_path, records)
    )
    records = [{"question": f"Q{i}?", "answer": "red" if i else "blue"} for i in range(12)]
    assert "the gold is 'red' in 11 of 12 open" in warnings(load(tmp_path, records))


def copies(sources, orders):
    return [
        {"question": "Which?", "options": list(order), "answer": "red", **source}
        for source, order in zip(sources, orders, strict=True)
    ] + [mc(i) | dict.fromkeys(sources[0], f"other {i}") for i in range(4)]


@pytest.mark.parametrize(
    ("sources", "orders", "kept"),
    [
        ([{"id": "7"}, {"id": "1000007"}], [("red", "blue"), ("blue", "red")], 2),
        ([{"image": "p"}, {"image": "p"}], [("red", "blue"), ("blue", "red")], 2),
        ([{"image": "p"}, {"image": "q"}], [("red", "blue"), ("blue", "red")], 0),
        ([{"id": "7"}, {"id": "8"}], [("red", "blue"), ("blue", "red")], 0),
        ([{"image": "p"}, {"image": "p"}], [("red", "blue"), ("red", "blue")], 0),
        ([{"image": "p"}, {"image": "p"}], [("red", "blue"), ("tan", "red")], 0),
    ],
)
def test_circular_copies_need_one_source(tmp_path, sources, orders, kept):
    table = load(tmp_path, copies(sources, orders))
    assert table.understanding.copies[0] == kept
    assert ("copies" in table.frame) == bool(kept)
    if kept:
        assert f"{kept} questions are circular copies" in short_block("t", table.understanding)


def test_over_a_third_is_refused_with_reasons_and_rows(tmp_path):
    records = [mc(i) for i in range(6)] + [mc(i, answer="Z") for i in range(3)]
    assert len(load(tmp_path, records).frame) == 6
    with pytest.raises(UserError) as caught:
        load(tmp_path, [*records, mc(9, question="")])
    message = str(caught.value)
    assert "4 of the 10 rows" in message
    assert "3 rows: gold answer is option 26 of 3 (lines 7, 8, 9)" in message
    assert "1 row: empty question (line 10)" in message


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".json", ".xlsx"])
def test_rows_are_named_as_an_editor_shows_them(tmp_path, suffix):
    import pandas as pd

    records = [mc(i) for i in range(5)]
    records[3] = mc(3, question="")
    records[1] = mc(1, question="Which\nof two?")
    path = tmp_path / f"a{suffix}"
    frame = pd.DataFrame([r | {"options": str(r["options"])} for r in records])
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif suffix == ".json":
        path.write_text("[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]")
    else:
        path.write_text("\n".join(json.dumps(r) for r in records))
    (left,) = load_benchmark(settings_of("table", path=str(path))).left_out
    assert (
        left.place
        == {
            ".csv": "line 6 (row 5 of a spreadsheet)",
            ".jsonl": "line 4",
            ".json": "entry 4 (line 5)",
            ".xlsx": "row 5",
        }[suffix]
    )
    assert left.position == 3


def test_cells_that_hold_nothing_or_an_error(tmp_path):
    golds = ["nan", "#REF!", "<NA>", *[f"a{i}" for i in range(6)]]
    records = [{"question": f"Q{i}?", "answer": g} for i, g in enumerate(golds)]
    reasons = [left.reason for left in load(tmp_path, records).left_out]
    assert reasons == ["no gold text", "the answer is the spreadsheet error #REF!", "no gold text"]


def test_all_that_is_understood_can_be_read(tmp_path):
    records = [mc(i, source="web") for i in range(6)]
    records += [{"question": f"How many {i}?", "answer": f"{i} kg"} for i in range(6)]
    records.append(mc(9, answer="red?"))
    table = load(tmp_path, records)
    text = whole_text("mine", table.understanding, "python -m tst.main benchmark=mine.jsonl")
    for line in (
        "mine: 12 questions in 13 rows of ",
        "  options         options  (known by its name)",
        "  not used        source",
        "  table  6 mc  3 options; answers: letter",
        "      red | blue | h0  -> red",
        "  table  6 num  unit kg",
        "left out: 1 of 13 rows",
        "  1: gold answer 'red?' names no option (line 13)",
        "  python -m tst.main benchmark=mine.jsonl",
    ):
        assert line in text
    block = short_block("mine", table.understanding)
    assert len(block.splitlines()) < 10
    assert "columns known by their names  question: question; options: options" in block
    plain = table.understanding.to_plain()
    assert "examples" not in json.dumps(plain)
    assert plain["types"][1]["unit"] == "kg"
