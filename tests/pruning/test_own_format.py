"""The pruned benchmark in the format of the file that it was read from."""

import csv
import gzip
import json

import openpyxl
import pandas as pd
import pytest

from tst.benchmarks.load import load_benchmark
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.source import source_records
from tst.pruning.own_format import write_like

ROWS = [
    {"uid": f"q{i}", "question": f"What is it, number {i}?\n\"Well\"; say", "option A": f"cat {i}",
     "option B": f"dog {i + 9}", "answer": "AB"[i % 2], "note": "=1+1" if i == 3 else "",
     "share": "50%"}
    for i in range(8)
]  # fmt: skip


def write_csv(path, delimiter=",", opened=open):
    with opened(path, "wt", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ROWS)


def write_xlsx(path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(list(ROWS[0]))
    for row in ROWS:
        sheet.append(list(row.values()))
    sheet.cell(5, 6).data_type = "s"
    book.save(path)


WRITERS = {
    "made.csv": write_csv,
    "made_semicolons.csv": lambda path: write_csv(path, ";"),
    "made.tsv": lambda path: write_csv(path, "\t"),
    "made.csv.gz": lambda path: write_csv(path, ",", gzip.open),
    "made.json": lambda path: path.write_text(json.dumps(ROWS)),
    "made.xlsx": write_xlsx,
}


@pytest.mark.parametrize("name", WRITERS)
def test_it_reads_as_the_source_did(tmp_path, name):
    source = tmp_path / name
    WRITERS[name](source)
    settings = BenchmarkSettings(name="made", path=str(source))
    table = load_benchmark(settings)
    assert len(table.frame) == 8
    records = source_records(settings, None, table)
    written = write_like(tmp_path / "out", "mine", [records[i] for i in (0, 3, 5)], source)
    assert written.name == f"mine{''.join(source.suffixes)}"
    settings.path = str(written)
    again = load_benchmark(settings)
    kept = table.frame.iloc[[0, 3, 5]].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.frame, kept)
    own = source_records(settings, None, again)
    assert [list(record) for record in own] == [list(ROWS[0])] * 3
    assert own[1] == records[3]
    assert own[1]["note"] == "=1+1"


def test_the_delimiter_is_the_sources(tmp_path):
    source = tmp_path / "made.csv"
    write_csv(source, ";")
    written = write_like(tmp_path / "out", "mine", ROWS[:2], source)
    assert written.read_text().startswith("uid;question;option A")


@pytest.mark.parametrize(
    ("source", "expected"),
    [("made.jsonl", "mine.jsonl"), ("made.parquet", "mine.parquet"),
     ("owner/name", "mine.jsonl")],
)  # fmt: skip
def test_what_is_written_anyway_is_not_written_twice(tmp_path, source, expected):
    if "." in source:
        (tmp_path / source).touch()
    path = write_like(tmp_path / "out", "mine", ROWS, tmp_path / source)
    assert path.name == expected
    assert not path.exists()
