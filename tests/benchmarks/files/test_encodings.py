"""Text files in other encodings, packed ones, and what spreadsheets add to them."""

from __future__ import annotations

import gzip
import json

import pytest

from tst.benchmarks.files import encodings, limits
from tst.benchmarks.files.reading import read_file, read_one
from tst.core.errors import UserError

CHINESE = "问题,答案\n图中有几只杯子？,三只\n桌子是什么颜色？,红色的\n"
GERMAN = "question,answer\nWie groß ist die Tür über dem Flur?,drei Füße\nWer sitzt da?,niemand\n"


@pytest.mark.parametrize(
    ("text", "encoding", "said"),
    [
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (GERMAN, "cp1252", "cp1252"),
        ("q,a\n“Which” café – 5 °C?,naïve\n", "cp1252", "cp1252"),
        (CHINESE, "utf-8", ""),
        (CHINESE, "utf-8-sig", ""),
        (CHINESE, "utf-16", ""),
        (GERMAN, "utf-16-le", ""),
        (GERMAN, "utf-16-be", ""),
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_encodings_of_tables(tmp_path, text, encoding, said, suffix):
    text = text if suffix == ".csv" else text.replace(",", "\t")
    path = tmp_path / f"a{suffix}"
    path.write_bytes(text.encode(encoding))
    found = read_one(path)
    header, *rows = text.splitlines()
    sign = "," if suffix == ".csv" else "\t"
    assert list(found.records[0]) == header.split(sign)
    assert [list(r.values()) for r in found.records] == [row.split(sign) for row in rows]
    assert found.notes == ([f"It is not UTF-8: read as {said}."] if said else [])


@pytest.mark.parametrize(
    "data",
    [
        "q,a\nсколько столов в комнате,три\n".encode("cp1251"),
        "q,a\n椅子はいくつありますか,三つ\n".encode("shift-jis"),
        "q,a\n幾張椅子在房間裡面呢,三張\n".encode("big5"),
        "q,a\nWie groß über,drei\n".encode() + b"\xff,x\n",
        b"q,a\n\x81\x8d,x\n",
    ],
    ids=["cp1251", "shift-jis", "big5", "damaged UTF-8", "neither"],
)
def test_other_encodings_are_never_guessed(tmp_path, data):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(UserError, match="is not UTF-8; convert the file"):
        read_file(path)


def test_packed_files(tmp_path):
    rows = [{"q": f"Q{i}", "a": "x"} for i in range(3)]
    texts = {
        "a.jsonl.gz": "\n".join(map(json.dumps, rows)),
        "a.json.gz": json.dumps(rows),
        "a.csv.gz": "q,a\n" + "".join(f"Q{i},x\n" for i in range(3)),
        "a.tsv.gz": "q\ta\n" + "".join(f"Q{i}\tx\n" for i in range(3)),
    }
    for name, text in texts.items():
        (tmp_path / name).write_bytes(gzip.compress(text.encode()))
        assert read_file(tmp_path / name) == rows, name
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(GERMAN.encode("cp1252")))
    assert read_one(tmp_path / "b.csv.gz").notes == ["It is not UTF-8: read as cp1252."]


@pytest.mark.parametrize(
    "data",
    [b"no gzip", b"", gzip.compress(b"q,a\n1,2\n" * 9)[:-20], gzip.compress(b"x")[:9]],
    ids=["no gzip", "empty", "cut off", "header alone"],  # gzip writes the time into its header
)
def test_damaged_packed_files(tmp_path, data):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.csv\.gz"):
        read_file(path)


def test_a_small_file_that_unpacks_to_very_much(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_BYTES", 1_000_000)
    for name, line in (("a.csv.gz", b"q,a\n"), ("a.jsonl.gz", b" "), ("a.json.gz", b" ")):
        (tmp_path / name).write_bytes(gzip.compress(line * 2_000_000))
        assert (tmp_path / name).stat().st_size < 50_000
        with pytest.raises(UserError, match="GiB of text"):
            read_file(tmp_path / name)


@pytest.mark.parametrize("suffix", [".parquet.gz", ".xlsx.gz", ".gz"])
def test_only_text_is_read_packed(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"")
    with pytest.raises(UserError, match="cannot read"):
        read_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sep=;\nq;a\nx;1\n", [{"q": "x", "a": "1"}]),
        ("q,a,,\nx,1,,\n,,,\ny,2,,\n,,,\n", [{"q": "x", "a": "1"}, {"q": "y", "a": "2"}]),
        ("\ufeff\ufeffq,a\nx,1\n", [{"q": "x", "a": "1"}]),
        (" q , a \nx,1\n", [{"q": "x", "a": "1"}]),
        ("\n\nq|a\nx, y|1\n", [{"q": "x, y", "a": "1"}]),
        ('q,a\n"x\ny",1\n', [{"q": "x\ny", "a": "1"}]),
        ("q,a\rx,1\ry,2\r", [{"q": "x", "a": "1"}, {"q": "y", "a": "2"}]),
    ],
)
def test_what_spreadsheets_write(tmp_path, text, rows):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    assert read_file(path) == rows


def test_lines_are_counted_as_an_editor_does(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('sep=,\nq,a\n"x\ny",1\n\nz,2\n')
    found = read_one(path)
    places = [found.place(i) for i in range(2)]
    assert places == ["line 3", "line 6 (row 5 of a spreadsheet)"]


def test_quotes_that_do_not_pair_up_in_a_tsv(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('q\ta\n5" pipe?\t"x\nHow "big"?\ty\n')
    found = read_one(path)
    assert found.records == [{"q": '5" pipe?', "a": '"x'}, {"q": 'How "big"?', "a": "y"}]
    assert "Quotes do not pair up" in found.notes[0]
    path.write_text('q\ta\n"never closed\t1\nx\n')
    with pytest.raises(UserError, match="no valid CSV"):
        read_file(path)


def test_the_sample_that_tells_the_encoding_ends_at_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(encodings, "SAMPLE_BYTES", 70)
    path = tmp_path / "a.csv"
    path.write_bytes((CHINESE * 40).encode("gb18030"))
    assert read_one(path).notes == ["It is not UTF-8: read as gb18030."]
