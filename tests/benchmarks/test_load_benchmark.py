"""From settings and a file to a question table: mapping, formats, ids, groups, bad rows."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from tests.benchmarks.loading import load, rows_of, settings_of
from tst.benchmarks.load import load_benchmark
from tst.core.errors import UserError

# --- any table ---


def test_the_command_of_the_manual(tmp_path):
    records = [
        {"q": f"Which, {i}?", "gold": "ABCD"[i % 4], "a": "1", "b": "2", "c": "3", "d": "4",
         "vid": f"v{i // 2}"}
        for i in range(8)
    ]  # fmt: skip
    records.append({"q": "Two only?", "gold": "b", "a": "x", "b": "y", "c": "", "d": None})
    table = load(
        tmp_path,
        records,
        columns={
            "question": "q",
            "answer": "gold",
            "options": ["a", "b", "c", "d"],
            "groups": {"video": "vid"},
        },
    )
    assert table.frame["answer"].tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 1]
    assert table.frame["options"].iloc[-1] == ["x", "y"]
    assert set(table.frame["question_type"]) == {"table"}
    # a row without a video shares nothing with any other
    assert table.frame["group_video"].nunique() == 5


def test_columns_of_the_usual_names_need_no_mapping(tmp_path):
    record = {"id": 7, "question": "Q?", "options": ["x", "y"], "answer": "x", "question_type": "t"}
    table = load(tmp_path, [record])
    assert rows_of(table, "id", "question_type", "answer") == [("7", "t", 0)]


def test_an_empty_column_name_means_none(tmp_path):
    records = [{"id": 1, "question": f"Q{i}?", "answer": "x"} for i in range(3)]
    with pytest.raises(UserError, match=r"the id column id repeats in 2 of 3 rows"):
        load(tmp_path, records)
    assert len(load(tmp_path, records, columns={"id": ""}).frame) == 3


def test_nested_columns(tmp_path):
    record = {"q": {"text": "Q?"}, "choices": {"text": ["x", "y"], "label": [1, 2]}, "answer": "B"}
    columns = {"question": "q.text", "options": "choices.text"}
    assert rows_of(load(tmp_path, [record], columns=columns), "question", "answer") == [("Q?", 1)]


def test_groups_and_metadata_as_lists_or_mappings(tmp_path):
    record = {"question": "Q?", "answer": "x", "clip": "c", "length": 3}
    for groups, metadata in ((["clip"], ["length"]), ({"clip": "clip"}, {"length": "length"})):
        table = load(tmp_path, [record], columns={"groups": groups, "metadata": metadata})
        assert table.groups == ["clip"]
        assert table.frame["metadata"][0] == {"length": "3"}


def test_columns_that_say_from_which_part_of_the_set_a_question_is(tmp_path):
    record = {"question": "Q?", "answer": "x", "dataset": "scans", "length": 3}
    for context in (["dataset"], {"dataset": "dataset"}):
        table = load(tmp_path, [record], columns={"context": context})
        assert table.frame["context"][0] == {"dataset": "scans"}
        assert table.frame["metadata"][0] == {}
        assert table.understanding.columns["context"] == "dataset"
    assert "context" not in load(tmp_path, [record]).frame


def test_all_missing_columns_in_one_message(tmp_path):
    with pytest.raises(UserError) as caught:
        load(
            tmp_path,
            [{"questoin": "Q?", "glod": "x"}],
            columns={"question": "question", "groups": {"video": "vid"}, "metadata": ["len"]},
        )
    message = str(caught.value)
    assert (
        "benchmark.columns.question=question: no such column; did you mean 'questoin'?" in message
    )
    assert "benchmark.columns.groups.video=vid" in message
    assert "benchmark.columns.metadata.len=len" in message
    assert "benchmark.columns.answer is not set" in message
    assert "Its columns are: questoin, glod" in message


def test_formats_are_told_apart_by_type(tmp_path):
    records = [
        {"question": "mc?", "options": ["x", "y"], "answer": "A", "question_type": "a"},
        {"question": "num?", "options": None, "answer": "1,200.5", "question_type": "b"},
        {"question": "open?", "options": None, "answer": "1 or 2", "question_type": "c"},
        {"question": "no gold?", "options": None, "answer": "", "question_type": "b"},
    ]
    table = load(tmp_path, records)
    assert table.frame["format"].tolist() == ["mc", "num", "open"]
    assert table.frame["answer"].tolist() == [0, 1200.5, ["1 or 2"]]
    assert [(b.row, b.position) for b in table.left_out] == [(4, 3)]
    assert load(tmp_path, records[1:3], format="open").frame["answer"].tolist() == [
        ["1,200.5"],
        ["1 or 2"],
    ]


def test_what_is_no_number_among_numbers_is_left_out_and_counted(tmp_path):
    records = [{"question": f"Q{i}?", "answer": str(i)} for i in range(19)]
    records.append({"question": "Q?", "answer": "nineteen"})
    table = load(tmp_path, records)
    assert set(table.frame["format"]) == {"num"}
    assert [(b.row, b.place) for b in table.left_out] == [(20, "line 20")]
    assert (
        "'nineteen' is not a number; 19 of 20 similar questions have one"
        in table.left_out[0].reason
    )
    assert len(load(tmp_path, records, format="open").frame) == 20


def test_a_format_column(tmp_path):
    records = [
        {"question": "a?", "options": ["x", "y"], "answer": "A", "kind": "Multiple-Choice"},
        {"question": "b?", "options": ["x", "y"], "answer": "4", "kind": "num"},
        {"question": "c?", "options": [], "answer": "4", "kind": "essay"},
    ]
    table = load(tmp_path, records, columns={"format": "kind"})
    assert table.frame["format"].tolist() == ["mc", "num"]
    assert "unknown format 'essay'" in table.left_out[0].reason


def test_ambiguous_answers_need_a_word(tmp_path):
    records = [
        {"question": f"Q{i}?", "options": ["3", "2", "1", "0"], "answer": i} for i in range(4)
    ]
    with pytest.raises(UserError, match=r"benchmark.answer_as"):
        load(tmp_path, records)
    assert load(tmp_path, records, answer_as="index").frame["answer"].tolist() == [0, 1, 2, 3]
    assert load(tmp_path, records, answer_as="text").frame["answer"].tolist() == [3, 2, 1, 0]


def test_names_with_initials_keep_them(tmp_path):
    records = [{"question": f"Q{i}?", "options": ["x", "y"], "answer": "A"} for i in range(3)]
    records.append({"question": "Who?", "options": ["A. Smith", "B. Jones"], "answer": "A"})
    assert load(tmp_path, records).frame["options"].iloc[-1] == ["A. Smith", "B. Jones"]


def test_bad_rows_are_counted_and_named_or_an_error(tmp_path):
    good = {"id": "g", "question": "Q?", "options": ["x", "y"], "answer": "A"}
    records = [
        good,
        good,
        good | {"id": "few", "options": ["x"]},
        good | {"id": "beyond", "answer": "C"},
        good | {"id": "gap", "options": ["x", "", "y"]},
        good | {"id": "empty", "question": " "},
        good | {"id": "many", "options": [str(i) for i in range(27)]},
        *[good | {"id": f"g{i}", "question": f"Q{i}?"} for i in range(12)],
    ]
    table = load(tmp_path, records)
    assert len(table.frame) == 13
    assert {b.id: b.reason for b in table.left_out} == {
        "g": "duplicate id",
        "few": "fewer than 2 options (1)",
        "beyond": "gold answer is option 3 of 2",
        "gap": "option 2 of 3 is blank",
        "empty": "empty question",
        "many": "more than 26 options (27)",
    }
    assert [b.row for b in table.left_out] == [2, 3, 4, 5, 6, 7]
    with pytest.raises(UserError, match="6 of 19 rows are bad"):
        load(tmp_path, records, strict=True)
    with pytest.raises(UserError, match=r"6 of the 17 rows .* are not understood") as caught:
        load(tmp_path, records[:-2])
    assert "1 row: fewer than 2 options (1) (line 3)" in str(caught.value)


def test_ids_and_fingerprint_do_not_depend_on_row_order(tmp_path):
    records = [{"question": f"Q{i % 17}?", "answer": str(i % 17 % 3)} for i in range(40)]
    shuffled = random.Random(0).sample(records, k=len(records))
    first, second = load(tmp_path, records), load(tmp_path, shuffled)
    assert sorted(first.frame["id"]) == sorted(second.frame["id"])
    assert first.frame["id"].is_unique
    assert any(i.endswith("-2") for i in first.frame["id"])
    assert first.fingerprint == second.fingerprint


# --- readers ---


def test_a_reader_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "my_reader.py").write_text(
        "def read_row(record):\n"
        "    return [{'question': q, 'answer': a, 'group_clip': record['clip'],\n"
        "             'metadata': {'n': '2'}} for q, a in record['pairs']]\n"
        "def fail(record):\n"
        "    return record['nothing']\n"
        "def fail_once(record):\n"
        "    return {} if record['clip'] == 'c1' else {'problem': 'torn'}\n"
        "value = 3\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    records = [{"clip": "c1", "pairs": [["a?", "1"], ["b?", "2"]]}, {"clip": "c2", "pairs": []}]
    table = load(tmp_path, records, reader="my_reader.read_row")
    assert rows_of(table, "question", "answer", "group_clip") == [
        ("a?", 1.0, "c1"),
        ("b?", 2.0, "c1"),
    ]
    with pytest.raises(UserError, match=r"can read none of the 2 records.*no column 'nothing'"):
        load(tmp_path, records, reader="my_reader.fail")
    flat = [{"clip": c, "question": "q?", "answer": "1"} for c in ("c1", "c1", "c2")]
    assert load(tmp_path, flat, reader="my_reader.fail_once").left_out[0].reason == "torn"
    for wrong in ("my_reader.none", "no_such_module.f", "name", "my_reader.value"):
        with pytest.raises(UserError, match=f"benchmark.reader={wrong}"):
            load(tmp_path, records, reader=wrong)


# --- where the rows come from ---


def test_path_goes_before_data_root_and_data_root_before_the_hub(tmp_path):
    def write(path: Path, text: str) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"question": text, "answer": "x"}))
        return path

    write(tmp_path / "mine" / "part-1.jsonl", "one")
    write(tmp_path / "mine" / "part-2.jsonl", "two")
    other = write(tmp_path / "other.jsonl", "other")
    settings = settings_of("table", local="part-*.jsonl")
    settings.name = "mine"
    assert load_benchmark(settings, tmp_path).frame["question"].tolist() == ["one", "two"]
    settings.path = str(other)
    assert load_benchmark(settings, tmp_path).frame["question"].tolist() == ["other"]


def test_no_source_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"benchmark.path=FILE"):
        load_benchmark(settings_of("table"))
    with pytest.raises(UserError, match="no such folder"):
        load_benchmark(settings_of("table"), tmp_path / "typo")
    with pytest.raises(UserError, match=r"part.jsonl does not exist"):
        load_benchmark(settings_of("table", local="part.jsonl"), tmp_path)


def test_local_files_import_no_heavy_library(tmp_path):
    import subprocess

    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "Q?", "answer": "x"}))
    code = (
        "import sys\n"
        "from tst.benchmarks.load import load_benchmark\n"
        "from tst.benchmarks.settings import BenchmarkSettings\n"
        f"load_benchmark(BenchmarkSettings(path={str(path)!r}))\n"
        "heavy = {'torch', 'transformers', 'datasets', 'huggingface_hub', 'openpyxl', 'hydra'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
