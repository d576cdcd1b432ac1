"""Hostile files: each gives a right table or one clear message, in bounded memory."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tst.benchmarks.files import read_file
from tst.benchmarks.load import load_benchmark
from tst.benchmarks.settings import BenchmarkSettings, ColumnSettings
from tst.core.errors import UserError
from tst.core.questions import MAX_TYPES, QuestionTable

MAX_MESSAGE = 6_000
QUESTIONS = [
    {"question": f"How many «chairs» {i}?", "options": "['a', 'b', 'c']", "answer": "ABC"[i % 3]}
    for i in range(12)
]
fuzz = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def load(path: Path, **columns: object) -> QuestionTable:
    """The table of a file, with what every run computes of it."""
    table = load_benchmark(BenchmarkSettings(path=str(path), columns=ColumnSettings(**columns)))
    assert len(table.fingerprint) == 16
    table.frame.drop(columns="metadata").to_json().encode("utf-8")
    return table


def load_or_message(path: Path) -> QuestionTable | None:
    try:
        return load(path)
    except UserError as error:
        assert 0 < len(str(error)) < MAX_MESSAGE
        return None


def load_rows(folder: Path, rows: list[dict]) -> QuestionTable:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return load(path)


def sound_file(suffix: str) -> bytes:
    frame, out = pd.DataFrame(QUESTIONS), io.BytesIO()
    if suffix == ".xlsx":
        frame.to_excel(out, index=False)
    elif suffix == ".parquet":
        frame.to_parquet(out)
    elif suffix in (".csv", ".tsv"):
        frame.to_csv(out, index=False, sep="\t" if suffix == ".tsv" else ",")
    elif suffix == ".json":
        out.write(json.dumps(QUESTIONS).encode())
    else:
        out.write("\n".join(json.dumps(row) for row in QUESTIONS).encode())
    return out.getvalue()


SOUND = {s: sound_file(s) for s in (".jsonl", ".json", ".csv", ".tsv", ".parquet", ".xlsx")}
PARTS = zipfile.ZipFile(io.BytesIO(SOUND[".xlsx"])).namelist()


@pytest.mark.parametrize("suffix", SOUND)
@fuzz
@given(data=st.data())
def test_damaged_files(tmp_path, suffix, data):
    content = bytearray(SOUND[suffix])
    places = st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, max_size=6)):
        content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content[: data.draw(places)] if data.draw(st.booleans()) else content)
    load_or_message(path)


@pytest.mark.parametrize("suffix", SOUND)
@fuzz
@given(content=st.binary(max_size=400))
def test_files_of_anything(tmp_path, suffix, content):
    path = tmp_path / f"anything{suffix}"
    path.write_bytes(content)
    load_or_message(path)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("damage", ["missing", "cut", "other", "empty"])
def test_xlsx_with_a_damaged_part(tmp_path, part, damage):
    path = tmp_path / "parts.xlsx"
    source = zipfile.ZipFile(io.BytesIO(SOUND[".xlsx"]))
    with zipfile.ZipFile(path, "w") as target:
        for name in PARTS:
            text = source.read(name)
            if name == part:
                text = {"cut": text[: len(text) // 2], "other": b"<a/>"}.get(damage, b"")
            if name != part or damage != "missing":
                target.writestr(name, text)
    load_or_message(path)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
COLUMNS = ["id", "question", "question_type", "options", "answer", "other"]


@fuzz
@given(rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS), ANY_JSON), min_size=1, max_size=6))
def test_cells_of_anything(tmp_path, rows):
    path = tmp_path / "cells.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    load_or_message(path)


@fuzz
@given(texts=st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=8))
def test_absurd_unicode_comes_back_as_it_was(tmp_path, texts):
    rows = [{"id": i, "question": f"q{t}.", "answer": f"a{t}."} for i, t in enumerate(texts)]
    table = load_rows(tmp_path, rows)
    assert table.frame["question"].tolist() == [row["question"] for row in rows]
    assert table.frame["answer"].tolist() == [[row["answer"]] for row in rows]


def test_half_a_surrogate_pair_becomes_a_replacement_character(tmp_path):
    cells = {"options": ["x\udfff", "['\\ud800', 'b']"], "answer": "A"}
    rows = [*QUESTIONS, {"id": "\ud800", "question": "What \ud83d is \U0001f600?", **cells}]
    last = load_rows(tmp_path, rows).frame.iloc[-1]
    assert last["id"] == "�"
    assert last["question"] == "What � is \U0001f600?"
    assert last["options"][0] == "x�"


def test_ten_megabytes_of_question(tmp_path):
    long = "word " * 2_000_000 + "?"
    frame = pd.DataFrame([*QUESTIONS, {**QUESTIONS[0], "question": long}])
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for path in tmp_path.iterdir():
        assert load(path).frame["question"].iloc[-1] == long


@pytest.mark.parametrize("written", [list, str], ids=["list", "text"])
def test_thousands_of_options_are_left_out(tmp_path, written):
    many = {"question": "Which?", "options": written([f"o{i}" for i in range(5_000)])}
    table = load_rows(tmp_path, [*QUESTIONS, {**many, "answer": "A"}])
    assert len(table.frame) == len(QUESTIONS)
    assert "options" in table.left_out[0].reason


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"options": 5}, "options 5 are no list"),
        ({"options": [["a"], ["b"]]}, "option 1 of 2 is not text but"),
        ({"options": {"A": "a", "B": {"b": 1}}}, "option 2 of 2 is not text but"),
        ({"question": ["How many?"]}, "the question is not text but"),
        ({"question_type": {"a": 1}}, "the question_type is not text but"),
        ({"options": None, "answer": 1e308}, "larger than 1e"),
    ],
)
def test_cells_of_the_wrong_kind_are_named(tmp_path, cells, reason):
    sound = {"question_type": "chairs"}
    if cells.get("options", "") is None:
        sound |= {"options": None, "answer": 2}
    rows = [{**row, **sound, "id": str(i)} for i, row in enumerate(QUESTIONS)]
    table = load_rows(tmp_path, [*rows, {**rows[0], "id": "bad", **cells}])
    assert [left.id for left in table.left_out] == ["bad"]
    assert reason in table.left_out[0].reason


def test_nesting_is_limited(tmp_path):
    path = tmp_path / "deep.jsonl"
    path.write_text('{"question": ' + "[" * 500 + "]" * 500 + ', "answer": 1}')
    with pytest.raises(UserError, match="line 1: nested more than 100 levels"):
        read_file(path)


@pytest.mark.parametrize(
    "text", ['question,answer\na,1\n"never closed,2\nb,3\n', 'question,answer\na,1\n"a"b,2\n']
)
def test_a_quote_out_of_place_swallows_no_rows(tmp_path, text):
    path = tmp_path / "quotes.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="line 3: no valid CSV"):
        read_file(path)


def test_thousands_of_columns_and_types_are_a_short_message(tmp_path):
    path = tmp_path / "wide.jsonl"
    path.write_text(json.dumps({f"column {i}" * 50: i for i in range(5_000)}))
    with pytest.raises(UserError, match="and 4960 more") as caught:
        load(path)
    assert len(str(caught.value)) < MAX_MESSAGE
    kinds = [{**QUESTIONS[0], "id": i, "question_type": f"t{i}"} for i in range(MAX_TYPES + 1)]
    with pytest.raises(UserError, match=f"{MAX_TYPES + 1} question types"):
        load_rows(tmp_path, kinds)


def test_two_parquet_columns_of_one_name(tmp_path):
    column = pa.array(["x"])
    table = pa.Table.from_arrays([column, column], ["question", "question"])
    pq.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(UserError, match="more than one column is named question"):
        read_file(tmp_path / "twice.parquet")


def test_dates_that_python_does_not_have(tmp_path):
    table = pa.table({"question": pa.array([10**15], pa.timestamp("s"))})
    pq.write_table(table, tmp_path / "date.parquet", version="2.6")
    with pytest.raises(UserError, match="no readable Parquet"):
        read_file(tmp_path / "date.parquet")


def test_no_file_is_evaluated(tmp_path):
    trap = tmp_path / "evaluated"
    attack = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    row = {**QUESTIONS[0], "question": attack, "options": f"['a', {attack}]"}
    table = load_rows(tmp_path, [*QUESTIONS, row, {**row, "options": f"[{attack}]"}])
    assert len(table.left_out) == 2
    assert not trap.exists()
