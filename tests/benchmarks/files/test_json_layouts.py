"""Where the records of a JSON file stand, of several files, and of a workbook."""

from __future__ import annotations

import json

import openpyxl
import pytest

from tst.benchmarks.files.reading import read_file, read_one
from tst.benchmarks.load import read_paths
from tst.core.errors import UserError

ROWS = [{"question": f"Q{i}", "answer": f"a{i}"} for i in range(3)]
KEYED = {f"k{i}": row for i, row in enumerate(ROWS)}


def read(tmp_path, value, part=None):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(value))
    return read_one(path, part)


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"data": ROWS},
        {"info": {"v": 1}, "license": "x", "questions": ROWS, "types": []},
        {"images": [{"file": "x"}], "annotations": ROWS},
        {"benchmark": {"name": "x", "version": 2, "items": ROWS}},
        {"question": [r["question"] for r in ROWS], "answer": [r["answer"] for r in ROWS]},
        {"question": {str(i): f"Q{i}" for i in range(3)},
         "answer": {str(i): f"a{i}" for i in range(3)}},
        {"columns": ["question", "answer"], "index": [0, 1, 2],
         "data": [list(r.values()) for r in ROWS]},
    ],
)  # fmt: skip
def test_layouts_without_keys(tmp_path, value):
    assert read(tmp_path, value).records == ROWS


def test_keys_of_records_are_their_ids(tmp_path):
    assert read(tmp_path, KEYED).records == [{"id": f"k{i}", **r} for i, r in enumerate(ROWS)]
    with_ids = {key: {"pid": "p", **row} for key, row in KEYED.items()}
    assert [r["key"] for r in read(tmp_path, with_ids).records] == list(KEYED)
    assert read(tmp_path, {"v1": ROWS[:2], "v2": ROWS[2:]}).records == [
        {"key": "v1", **ROWS[0]}, {"key": "v1", **ROWS[1]}, {"key": "v2", **ROWS[2]},
    ]  # fmt: skip
    assert read(tmp_path, {"q0": "B", "q1": 3}).records == [
        {"key": "q0", "answer": "B"}, {"key": "q1", "answer": 3},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"train": ROWS, "test": ROWS}, "benchmark.sheet=KEY"),
        ({"train": KEYED, "test": KEYED}, "benchmark.sheet=KEY"),
        ({"a": [{}], "b": [{}]}, "expected a JSON list of objects"),
        ({"questions": ROWS, "annotations": ROWS, "n": 2}, "benchmark.sheet=KEY"),
        ([1, 2], "expected a JSON list of objects"),
        ("text", "expected a JSON list of objects"),
    ],
)
def test_what_may_be_several_things_is_refused(tmp_path, value, says):
    with pytest.raises(UserError, match=says):
        read(tmp_path, value)


def test_a_part_can_be_named(tmp_path):
    assert read(tmp_path, {"train": [], "test": ROWS}, "test").records == ROWS
    assert len(read(tmp_path, {"train": {}, "test": KEYED}, "test").records) == 3
    with pytest.raises(UserError, match=r"benchmark.sheet=dev: no such key; it has train, test"):
        read(tmp_path, {"train": ROWS, "test": ROWS}, "dev")
    (tmp_path / "a.csv").write_text("q,a\n1,2\n")
    with pytest.raises(UserError, match="has no sheets"):
        read_one(tmp_path / "a.csv", "x")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[\n{},\n{}\n]", [2, 3]),
        ("[\n {\n  },\n\n {}]", [2, 5]),
        ("[{}, {}]", None),
    ],
)
def test_lines_of_entries(tmp_path, text, lines):
    path = tmp_path / "a.json"
    path.write_text(text.replace("{}", '{"q": 1}').replace("{\n  }", '{"q":\n 1}'))
    found = read_one(path)
    assert (None if found.lines is None else list(found.lines)) == lines
    assert found.place(1) == ("entry 2" if lines is None else f"entry 2 (line {lines[1]})")


@pytest.mark.parametrize("text", ["[", "[1,]", '[{"a": 1}', '[{"a": 1}] x', "[{'a': 1}]", ""])
def test_damaged_lists(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UserError, match="no valid JSON"):
        read_file(path)


def test_several_files_and_patterns_in_order(tmp_path):
    for name in ("part-10", "part-2", "other"):
        (tmp_path / f"{name}.json").write_text(json.dumps([{"question": name, "answer": "x"}]))
    source = read_paths([str(tmp_path / "part-*.json"), str(tmp_path / "other.json")])
    assert [r["question"] for r in source.records] == ["part-2", "part-10", "other"]
    assert source.place(1) == f"entry 1 of {tmp_path}/part-10.json"
    with pytest.raises(UserError, match="no file has a name like this"):
        read_paths(str(tmp_path / "none-*.json"))
    with pytest.raises(UserError, match="more than once"):
        read_paths([str(tmp_path / "part-*.json"), str(tmp_path / "part-2.json")])
    with pytest.raises(UserError, match="at least one file"):
        read_paths([])


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_sheets(tmp_path):
    questions = [["question", "answer"], ["Q0", "a0"]]
    path = workbook(tmp_path / "a.xlsx", {"Read me": [["x", "y"]], "Data": questions})
    found = read_one(path)
    assert found.records == [{"question": "Q0", "answer": "a0"}]
    assert "'Data' is read" in found.notes[0]
    assert read_one(path, "Data").records == read_one(path, "2").records == found.records
    with pytest.raises(UserError, match="its sheets are Read me, Data"):
        read_one(path, "data")


def test_cells_as_a_sheet_shows_them(tmp_path):
    rows = [["My benchmark"], [], ["question", "answer", "flag"], ["Q0", 0.25, True]]
    path = workbook(tmp_path / "a.xlsx", {"s": rows})
    book = openpyxl.load_workbook(path)
    book["s"]["B4"].number_format = "0.0%"
    book.save(path)
    found = read_one(path)
    assert found.records == [{"question": "Q0", "answer": "25%", "flag": True}]
    assert found.place(0) == "row 4"
    assert "named in row 3" in found.notes[0]


ASKED = [{"question_id": 7 + i, "image_id": i // 2, "question": f"Q{i}"} for i in range(4)]


@pytest.mark.parametrize("id_name", ["question_id", "qid"])
def test_answers_in_another_list_of_the_file_are_joined_by_their_id(tmp_path, id_name):
    annotations = [{id_name: 7 + i, "image_id": i // 2, "answers": [f"a{i}"]} for i in (2, 0, 1, 3)]
    images = [{"id": i, "file_name": f"{i}.png"} for i in range(2)]
    whole = {"info": {"v": 1}, "images": images, "questions": ASKED, "annotations": annotations}
    found = read(tmp_path, whole)
    assert [(r["question"], r["answers"]) for r in found.records] == [
        (f"Q{i}", [f"a{i}"]) for i in range(4)
    ]
    assert found.notes[-1] == "The answers are those of its list 'annotations', by question_id."


def test_several_answers_to_one_question_become_a_list(tmp_path):
    annotations = [
        {"id": 10 * i + j, "question_id": 7 + i, "answer": f"a{j % 2}"}
        for i in range(4) for j in range(3)
    ]  # fmt: skip
    found = read(tmp_path, {"questions": ASKED, "annotations": annotations})
    assert found.records[3]["answer"] == ["a0", "a1", "a0"]


def test_lists_that_share_no_ids_are_not_joined(tmp_path):
    annotations = [{"question_id": 90 + i, "answer": "a"} for i in range(4)]
    assert read(tmp_path, {"questions": ASKED, "annotations": annotations}).records == ASKED
