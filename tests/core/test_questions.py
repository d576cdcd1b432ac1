from datetime import date

import numpy as np
import pandas as pd
import pytest

from tst.core.errors import UserError
from tst.core.questions import (
    MAX_NUMBER,
    QuestionTable,
    build_table,
    coarsest_column,
    content_keys,
    declared_groups,
    find_problem,
    fingerprint,
)

MC = {"id": "a", "question_type": "t", "format": "mc", "question": "Which?",
      "options": ["x", "y", "z"], "answer": 2}  # fmt: skip
NUM = {"id": "b", "question_type": "t", "format": "num", "question": "How many?", "answer": 3.0}
OPEN = {"id": "c", "question_type": "u", "format": "open", "question": "Who?", "answer": ["me"]}


@pytest.mark.parametrize(
    "row",
    [
        MC,
        NUM,
        OPEN,
        {**MC, "options": ["x", "y"], "answer": 0},
        {**MC, "options": ["x"] * 26, "answer": 25},
        {**NUM, "answer": -MAX_NUMBER},
        {**OPEN, "answer": ["me", "I"]},
    ],
)
def test_good_rows_have_no_problem(row):
    assert find_problem(row) == ""


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**MC, "question": "  "}, "empty question"),
        ({**MC, "question": None}, "empty question"),
        ({**MC, "question_type": ""}, "empty question type"),
        ({**MC, "question_type": None}, "empty question type"),
        ({**MC, "options": ["x"], "answer": 0}, "fewer than 2 options (1)"),
        ({**MC, "options": None}, "fewer than 2 options (0)"),
        ({**MC, "options": ["x"] * 27}, "more than 26 options (27)"),
        ({**MC, "options": ["x", 2, "z"]}, "an option that is not text"),
        ({**MC, "answer": "C"}, "gold answer 'C' names no option"),
        ({**MC, "answer": True}, "gold answer True names no option"),
        ({**MC, "answer": 3}, "gold answer is option 4 of 3"),
        ({**MC, "answer": -1}, "gold answer is option 0 of 3"),
        ({**NUM, "answer": 3}, "non-numeric gold 3"),
        ({**NUM, "answer": ""}, "no gold number"),
        ({**NUM, "answer": None}, "no gold number"),
        ({**NUM, "answer": "3"}, "non-numeric gold '3'"),
        ({**NUM, "answer": float("nan")}, "non-numeric gold nan"),
        ({**NUM, "answer": float("inf")}, "non-numeric gold inf"),
        ({**NUM, "answer": -2e100}, "gold number -2e+100 is larger than 1e+100"),
        ({**OPEN, "answer": []}, "no gold text"),
        ({**OPEN, "answer": ["me", " "]}, "no gold text"),
        ({**OPEN, "answer": ["me", 3]}, "no gold text"),
        ({**OPEN, "format": "essay"}, "unknown format 'essay'; expected one of mc, num, open"),
    ],
)
def test_a_problem_is_a_few_words(row, problem):
    assert find_problem(row) == problem


def test_long_values_are_cut_in_a_problem():
    assert find_problem({**MC, "answer": "x" * 500}) == f"gold answer '{'x' * 59}…' names no option"
    assert find_problem({**NUM, "answer": "x" * 500}) == f"non-numeric gold '{'x' * 59}…'"
    assert len(find_problem({**OPEN, "format": "x" * 500})) < 100


def test_a_table_has_typed_columns_in_order():
    row = {**MC, "group_scene": 7, "planted": 1, "cue": "length", "metadata": {"domain": "art"}}
    table = build_table("t", [row, {**NUM, "group_scene": "x"}], source="here", revision="2")
    assert isinstance(table, QuestionTable)
    assert (table.name, table.rows_read, table.source, table.revision) == ("t", 2, "here", "2")
    assert list(table.frame)[:7] == [
        "id", "question_type", "format", "question", "options", "answer", "metadata"
    ]  # fmt: skip
    assert set(table.frame) == {*list(table.frame)[:7], "group_scene", "planted", "cue"}
    assert table.frame["group_scene"].tolist() == ["7", "x"]
    assert table.frame["metadata"].tolist() == [{"domain": "art"}, {}]
    assert table.frame["options"].tolist() == [["x", "y", "z"], None]
    assert table.frame["answer"].tolist() == [2, 3.0]
    assert isinstance(table.frame["answer"].iloc[0], int)
    kinds = {"id", "question_type", "format", "question", "options", "answer", "metadata",
             "group_scene"}  # fmt: skip
    assert all(table.frame[column].dtype == object for column in kinds)
    assert isinstance(table.frame.index, pd.RangeIndex)
    assert table.groups == ["scene"]


def test_bad_rows_are_left_out_and_named():
    rows = [MC, {**NUM, "id": "a"}, {"id": 9, "problem": "no answer"}, {**OPEN, "question": ""},
            {**NUM, "id": "d"}, {"problem": "unreadable"}]  # fmt: skip
    table = build_table("t", rows)
    assert table.frame["id"].tolist() == ["a", "d"]
    assert table.rows_read == 6
    assert [(b.row, b.id, b.reason) for b in table.left_out] == [
        (1, "a", "duplicate id"), (2, "9", "no answer"), (3, "c", "empty question"),
        (5, "row5", "unreadable"),
    ]  # fmt: skip


def test_an_id_of_a_bad_row_may_be_used_again():
    table = build_table("t", [{**MC, "answer": 7}, MC])
    assert [b.reason for b in table.left_out] == ["gold answer is option 8 of 3"]
    assert table.frame["id"].tolist() == ["a"]


def test_what_is_left_out_is_cut_to_a_line():
    row = {"id": "i" * 999, "problem": "p" * 999}
    [bad] = build_table("t", [MC, row]).left_out
    assert (bad.id, bad.reason) == ("i" * 300, "p" * 300)


def test_strict_tables_raise_with_every_problem():
    with pytest.raises(UserError) as raised:
        build_table("t", [MC, {**MC, "id": "b", "answer": 5}, {"id": "c", "problem": "why"}],
                    strict=True)  # fmt: skip
    assert str(raised.value) == (
        "benchmark t: 2 of 3 rows are bad, and benchmark.strict=true:\n"
        "  row 1 (id b): gold answer is option 6 of 3\n"
        "  row 2 (id c): why\n"
        "Mend them, or set benchmark.strict=false to leave them out."
    )
    many = [{"id": i, "problem": "why"} for i in range(53)]
    with pytest.raises(UserError, match=r"row 50 \(id 49\): why\n  \.\.\. and 3 more\nMend"):
        build_table("t", [MC, *many], strict=True)
    with pytest.raises(UserError, match=r"\n  \.\.\. and 1 more\nMend"):
        build_table("t", [MC, *many[:51]], strict=True)
    assert build_table("t", [MC], strict=True).left_out == []


def test_a_table_without_a_good_row_raises():
    with pytest.raises(UserError) as raised:
        build_table("t", [{"id": "c", "problem": "why"}])
    assert str(raised.value) == (
        "benchmark t: none of the 1 rows read from the source is a usable question:\n"
        "  row 0 (id c): why\nCheck benchmark.columns and the file."
    )
    with pytest.raises(UserError, match=r"none of the 0 rows read from here\.json is"):
        build_table("t", [], source="here.json")
    many = [{"id": i, "problem": "why"} for i in range(50)]
    with pytest.raises(UserError) as raised:
        build_table("t", many)
    assert "more" not in str(raised.value)


def test_too_many_types_are_refused():
    rows = [{**NUM, "id": i, "question_type": f"t{i}"} for i in range(501)]
    assert len(build_table("t", rows[:500]).frame) == 500
    with pytest.raises(UserError) as raised:
        build_table("t", rows)
    assert str(raised.value) == (
        "benchmark t: 501 question types over 501 questions; expected at most 500. Check "
        "benchmark.columns.question_type (empty: one type), or set benchmark.merge_types_under=10 "
        "to call the rare ones Other."
    )


def test_a_table_says_where_it_is_from_where_that_is_known():
    table = build_table("t", [MC])
    assert (table.source, table.revision) == ("", "")
    table = build_table("t", [MC], source="here.json", revision="abc")
    assert (table.source, table.revision) == ("here.json", "abc")


def test_metadata_that_json_does_not_know_has_a_key():
    when, later = ({**MC, "metadata": {"day": date(2026, 11, day)}} for day in (27, 28))
    (key,), (other,) = (content_keys(build_table("t", [row]).frame) for row in (when, later))
    assert key != other


def test_declared_groups_keep_their_order():
    frame = pd.DataFrame(columns=["group_video", "x", "group_image", "groups"])
    assert declared_groups(frame) == ["video", "image"]


def test_the_coarsest_column_has_the_fewest_groups_but_two():
    frame = pd.DataFrame(
        {"one": [1] * 4, "two": [1, 1, 2, 2], "four": range(4), "also": [1, 2] * 2}
    )
    assert coarsest_column(frame, ["four", "one", "two", "also"]) == "two"
    assert coarsest_column(frame, ["also", "two"]) == "also"
    assert coarsest_column(frame, ["one"]) is None
    assert coarsest_column(frame, []) is None


def test_content_keys_tell_rows_apart_by_everything_in_them():
    base = {**MC, "group_scene": "s", "metadata": {"k": "v"}}
    changes = [
        {}, {"id": "z"}, {"question_type": "z"}, {"question": "z"}, {"options": ["x", "y", "zz"]},
        {"answer": 1}, {"group_scene": "z"}, {"metadata": {"k": "z"}},
    ]  # fmt: skip
    frame = pd.DataFrame([{**base, **change} for change in changes])
    keys = content_keys(frame)
    assert len(set(keys)) == len(changes)
    assert all(len(key) == 32 for key in keys)
    # nothing is said of what no model and no score sees
    assert content_keys(frame.assign(planted=1, cue="length")) == keys
    without = content_keys(frame, with_answer=False)
    assert without[0] == without[5]
    assert len(set(without)) == len(changes) - 1
    assert without == content_keys(frame.drop(columns="answer"))


def test_keys_are_of_the_content_alone():
    frame = build_table("t", [MC, NUM, OPEN]).frame
    shuffled = frame.iloc[[2, 0, 1]].reset_index(drop=True)
    assert content_keys(shuffled) == [content_keys(frame)[i] for i in (2, 0, 1)]
    columns = frame[frame.columns[::-1]]
    assert content_keys(columns) == content_keys(frame)
    assert fingerprint(shuffled) == fingerprint(frame)
    assert build_table("u", [MC, NUM, OPEN]).fingerprint == fingerprint(frame)
    assert fingerprint(frame.iloc[:2]) != fingerprint(frame)
    assert len(fingerprint(frame)) == 16
    # records are found by it: it stays as it is
    assert fingerprint(frame) == "ed26ca9c6e35cfac"
    half = pd.Series(["a\ud800b", "x", "y"], dtype=object)  # half of a character, as files have
    odd = frame.assign(question=half, answer=pd.Series([np.int64(1), 2.0, ["me"]], dtype=object))
    assert len(set(content_keys(odd))) == 3
