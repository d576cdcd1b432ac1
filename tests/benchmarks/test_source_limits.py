"""Files that are too large, or unpack to too much: one clear message, in bounded memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.test_hostile_sources import load
from tst.benchmarks.files import limits, parquet, read_file
from tst.core.errors import UserError


@pytest.fixture
def small_limit(monkeypatch):
    for module in (limits, parquet):
        monkeypatch.setattr(module, "MAX_BYTES", 10_000_000)


@pytest.mark.parametrize("as_dictionary", [True, False])
def test_a_parquet_text_that_every_row_repeats(tmp_path, small_limit, as_dictionary):
    path = tmp_path / "bomb.parquet"
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000), pa.array(["x" * 100_000]))
    pq.write_table(pa.table({"question": text if as_dictionary else text.cast("string")}), path)
    del text
    assert path.stat().st_size < 300_000
    held = pa.total_allocated_bytes()
    with pytest.raises(UserError, match="GiB of text"):
        read_file(path)
    assert pa.total_allocated_bytes() - held < 50_000_000


def test_an_xlsx_that_unpacks_to_very_much(tmp_path, small_limit):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b" " * 20_000_000)
    with pytest.raises(UserError, match="GiB of text"):
        read_file(path)


def test_too_large_a_text_file(tmp_path, small_limit):
    path = tmp_path / "large.jsonl"
    path.write_bytes(b" " * 10_000_001)
    with pytest.raises(UserError, match="leave out columns"):
        read_file(path)


def test_short_lines_under_a_wide_header(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_CELLS", 10_000)
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(1_000)) + "\n" + "x\n" * 1_000)
    with pytest.raises(UserError, match="cells"):
        read_file(path)


def test_xlsx_that_claims_every_cell(tmp_path):
    path = tmp_path / "claims.xlsx"
    book = openpyxl.Workbook()
    for row in (["question", "answer"], ["How many?", 2], ["How far?", 3]):
        book.active.append(row)
    book.active.cell(4, 16_384, "far away")
    book.save(path)
    assert load(path).frame["answer"].tolist() == [2.0, 3.0]


MILLION = """
import sys
from pathlib import Path
from tst.benchmarks.load import load_benchmark
from tst.benchmarks.settings import BenchmarkSettings
table = load_benchmark(BenchmarkSettings(path=sys.argv[1]))
print(len(table.frame))
"""


@pytest.mark.slow
@pytest.mark.skipif("TST_MILLION" not in os.environ, reason="a minute; set TST_MILLION=1")
def test_a_million_rows(tmp_path):
    path = tmp_path / "million.jsonl"
    with path.open("w") as file:
        for i in range(1_000_000):
            row = {"question": f"How many chairs are in room {i}?", "options": ["a", "b", "c"]}
            file.write(json.dumps({**row, "answer": "ABC"[i % 3]}) + "\n")
    command = [sys.executable, "-c", MILLION, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1000000"]
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 4 * 2**20
