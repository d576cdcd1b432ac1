"""Files of every kind, and what is said of broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from tst.benchmarks.files import read_file
from tst.benchmarks.files.reading import read_one
from tst.benchmarks.load import read_paths
from tst.core.errors import UserError

ROWS = [
    {"q": "How many «chairs»?", "a": "4"},
    {"q": "Which, of these; two?\nSay.", "a": "NA"},
]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_every_kind_of_file_reads_the_same(tmp_path):
    frame = pd.DataFrame(ROWS)
    jsonl = "\n".join(json.dumps(r) for r in ROWS)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv", index=False, sep=";")
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_feather(tmp_path / "a.feather")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    write(tmp_path / "a.jsonl", jsonl + "\n\n")
    write(tmp_path / "bom.jsonl", "\ufeff" + jsonl)
    write(tmp_path / "utf16.jsonl", jsonl, "utf-16")
    write(tmp_path / "crlf.jsonl", jsonl.replace("\n", "\r\n"))
    write(tmp_path / "lines.json", jsonl)
    write(tmp_path / "list.json", json.dumps(ROWS, indent=1))
    write(tmp_path / "wrapped.json", json.dumps({"version": 1, "data": ROWS}))
    for path in sorted(tmp_path.iterdir()):
        assert read_file(path) == ROWS, path.name


def test_blank_cells_and_not_available_stay_apart(tmp_path):
    records = read_file(write(tmp_path / "a.csv", "q,a,b\nx,NA,\ny,None,null\nz\n"))
    assert records[:2] == [{"q": "x", "a": "NA", "b": ""}, {"q": "y", "a": "None", "b": "null"}]
    assert records[2] == {"q": "z", "a": None, "b": None}


def test_xlsx_skips_empty_rows_and_unnamed_columns(tmp_path):
    book = openpyxl.Workbook()
    for row in (["q", None, "a"], ["x", 1, 2], [None, None, None], ["y", 1, 2.5]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    assert read_file(tmp_path / "a.xlsx") == [{"q": "x", "a": 2}, {"q": "y", "a": 2.5}]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b'{"q": 1}\n{"q": 2,}\n', "line 2: no valid JSON"),
        ("a.jsonl", b'{"q": 1}\n[1]\n', "line 2: expected one JSON object per line"),
        ("a.jsonl", b"[" * 100_000, "no valid JSON"),
        ("a.jsonl", b'{"q": 1}\n{"q": "\xe9"}\n', "line 2 is not UTF-8"),
        ("a.jsonl", b"\n", "no rows"),
        ("a.jsonl", b'{"q": ' + b"9" * 10_000 + b"}", "line 1: no valid JSON"),
        ("a.json", b'{"q": 1', "no valid JSON"),
        ("a.json", b'"text"', "expected a JSON list of objects"),
        ("a.json", b'{"a": [{}], "b": [{}]}', "expected a JSON list of objects"),
        ("a.csv", b"", "no rows"),
        ("a.csv", b"q,a\n", "no rows"),
        ("a.csv", b"q,a\n1,2\n1,2,3\n", "line 3: more cells than the header"),
        ("a.csv", b"q,q\n1,2\n", "more than one column is named q"),
        ("a.tsv", b"q,a\n\xff\n", "line 2 is not UTF-8"),
        ("a.parquet", b"PAR1", "no readable Parquet"),
        ("a.parquet", b"", "no readable Parquet"),
        ("a.xlsx", b"PK\x03\x04 not a zip", "no readable xlsx"),
        ("a.xlsx", b"", "no readable xlsx"),
        ("a.png", b"", "expected one of .jsonl"),
        ("a", b"", "file without extension"),
    ],
)
def test_broken_files_are_one_message(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=message) as caught:
        read_file(tmp_path / name)
    assert name in str(caught.value)


def test_truncated_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"q": [str(i) * 50 for i in range(500)]}).to_parquet(path)
    data = path.read_bytes()
    # the footer says what the middle no longer holds
    for broken in (data[: len(data) // 2], data[:100] + bytes(len(data) - 400) + data[-300:]):
        path.write_bytes(broken)
        with pytest.raises(UserError, match=r"a.parquet: (no readable|cannot be read)"):
            read_file(path)


def test_missing_file_and_folder(tmp_path):
    (tmp_path / "questions.csv").write_text("question,answer\nWhich?,1\n")
    with pytest.raises(UserError, match=r"does not exist.* Did you mean .*/questions\.csv\?"):
        read_file(tmp_path / "qestions.csv")
    with pytest.raises(UserError, match="does not exist"):
        read_file(tmp_path / "none.csv")
    with pytest.raises(UserError, match="is a folder"):
        read_file(tmp_path)


@pytest.mark.parametrize(
    "above",
    [
        "# made by hand\n# version 2, of May\n",
        "My benchmark\n\n",
        "Title, with a comma\n",
        "\n# x\n",
    ],
)
def test_titles_and_comments_stand_above_the_header(tmp_path, above):
    text = 'id,question,answer,note\n1,"Which, of these",red,\n2,How many?,4,# four\n'
    found = read_one(write(tmp_path / "a.csv", above + text))
    assert [r["answer"] for r in found.records] == ["red", "4"]
    line = above.count("\n") + 1
    assert found.notes == [f"The columns are named in line {line}."]
    assert list(found.numbers) == [line + 1, line + 2]


def test_a_header_that_begins_with_a_number_sign_is_one(tmp_path):
    found = read_one(write(tmp_path / "a.csv", "#,question,answer\n1,Which?,red\n"))
    assert found.records == [{"#": "1", "question": "Which?", "answer": "red"}]
    assert not found.notes


def _save_dataset(folder: Path, rows: list[dict], shards: int = 1) -> Path:
    """A folder as ``Dataset.save_to_disk`` leaves it: Arrow streams and their list."""
    folder.mkdir(parents=True)
    names = [f"data-{i:05d}-of-{shards:05d}.arrow" for i in range(shards)]
    for i, name in enumerate(names):
        table = pa.Table.from_pylist(rows[i::shards])
        with pa.ipc.new_stream(folder / name, table.schema) as stream:
            stream.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names]}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text("{}")
    return folder


def test_a_saved_dataset_is_read_without_its_pictures(tmp_path):
    rows = [{**row, "image": {"bytes": b"\x00" * 9, "path": "x"}} for row in ROWS]
    found = read_paths(str(_save_dataset(tmp_path / "My" / "test", rows, shards=2)))
    assert found.records == ROWS


def test_a_saved_dataset_of_several_splits_is_named_by_one(tmp_path):
    for split in ("val", "test"):
        _save_dataset(tmp_path / split, ROWS)
    (tmp_path / "dataset_dict.json").write_text(json.dumps({"splits": ["val", "test"]}))
    with pytest.raises(UserError, match=r"splits val, test: name one of them, e\.g\..*/val"):
        read_paths(str(tmp_path))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["a.parquet", "b.parquet"],
            r"a folder with a\.parquet, b\.parquet.*benchmark=.*\*\.parquet",
        ),
        (["a.csv"], r"a folder with a\.csv: name a file of it, e\.g\. .*a\.csv"),
        (["a.png"], "without files of questions"),
    ],
)
def test_a_folder_is_refused_with_what_to_name_instead(tmp_path, names, message):
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=message):
        read_paths(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"ARROW1 is no file", b"nothing"])
def test_a_damaged_arrow_file(tmp_path, content):
    (tmp_path / "a.arrow").write_bytes(content)
    with pytest.raises(UserError, match="no readable Arrow file"):
        read_file(tmp_path / "a.arrow")
