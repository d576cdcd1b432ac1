import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tst.benchmarks.load import load_benchmark
from tst.benchmarks.settings import BenchmarkSettings, ColumnSettings, QuestionFormat
from tst.benchmarks.source import source_records
from tst.core.errors import UserError
from tst.pruning.export import free_name, with_pruned, write_benchmark
from tst.pruning.loop import Pruning

ROWS = [
    {"uid": i, "ask": f"Question {i}?", "opts": ["yes", "no"], "gold": "A", "extra": {"a": [i]},
     "maybe": None if i % 2 else 1.5}
    for i in range(6)
]  # fmt: skip
ROWS[2]["opts"] = []  # a bad row: no options


def pruning_of(removed, n):
    removed = np.array(removed)
    kept = np.setdiff1d(np.arange(n), removed)
    nothing = pd.DataFrame()
    return Pruning(removed, kept, "budget", [], nothing, nothing, nothing)


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "source.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    columns = ColumnSettings(id="uid", question="ask", options="opts", answer="gold")
    return BenchmarkSettings(name="made", path=str(path), columns=columns, format=QuestionFormat.mc)


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_the_pruned_benchmark_reads_as_the_source_did(settings, tmp_path, ending):
    table = load_benchmark(settings)
    source = source_records(settings, None, table)
    assert [r["uid"] for r in source] == [0, 1, 3, 4, 5]
    write_benchmark(tmp_path / "out", source, pruning_of([1, 3], 5), table.source, "made")
    settings.path = str(tmp_path / "out" / f"made_pruned.{ending}")
    again = load_benchmark(settings)
    kept = table.frame.iloc[[0, 2, 4]].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.frame, kept)
    settings.path = str(tmp_path / "out" / f"full.{ending}")
    assert load_benchmark(settings).fingerprint == table.fingerprint


def test_rows_and_columns_are_the_source_s_own(settings, tmp_path):
    source = source_records(settings, None, load_benchmark(settings))
    write_benchmark(tmp_path, source, pruning_of([0], 5), "", "made")
    lines = (tmp_path / "made_pruned.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [ROWS[i] for i in (1, 3, 4, 5)]
    parquet = pq.read_table(tmp_path / "made_pruned.parquet")
    assert parquet.column_names == list(ROWS[0])
    assert parquet.to_pylist() == [ROWS[i] for i in (1, 3, 4, 5)]
    full = pq.read_table(tmp_path / "full.parquet").to_pylist()
    assert [row["pruned"] for row in full] == [True, False, False, False, False]


def test_odd_cells_become_json_text(tmp_path):
    rows = [{"mixed": 1, "empty": {}, "pruned": "mine"}, {"mixed": ["a"], "empty": {}}]
    write_benchmark(tmp_path, rows, pruning_of([0], 2), "", "made")
    assert free_name(rows) == "pruned_"
    full = pq.read_table(tmp_path / "full.parquet").to_pylist()
    assert full[0] == {"mixed": "1", "empty": "{}", "pruned": "mine", "pruned_": True}
    assert full[1]["mixed"] == '["a"]'


def test_a_record_with_several_questions_stays_while_one_of_them_does():
    shared, single = {"q": 1}, {"q": 2}
    records, gone = with_pruned([shared, shared, single], np.array([1]))
    assert (records, gone) == ([shared, single], [False, True])


def test_a_source_that_changed_is_refused(settings):
    table = load_benchmark(settings)
    path = Path(settings.path)
    path.write_text(path.read_text() + json.dumps({**ROWS[0], "uid": 9}) + "\n")
    with pytest.raises(UserError, match="has 7 rows now"):
        source_records(settings, None, table)
