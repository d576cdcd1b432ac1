"""Files of every kind, and what is said of broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from tst.benchmarks.files import read_file
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
