"""The hub: text columns alone, and one message at once when it is out of reach."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.files.fake_hub import COMMIT, serve_dataset

LOAD = """
import json, sys, time
from tst.benchmarks.load import load_benchmark
from tst.benchmarks.settings import BenchmarkSettings, ColumnSettings, HubSettings
from tst.core.errors import UserError
hub = HubSettings(**json.loads(sys.argv[1]))
columns = ColumnSettings(**json.loads(sys.argv[2]))
start = time.time()
try:
    table = load_benchmark(BenchmarkSettings(name="my_bench", hub=hub, columns=columns))
    answers = table.frame["answer"].tolist()
    print(json.dumps([len(table.frame), table.source, table.revision, answers]))
except UserError as error:
    print("UserError", round(time.time() - start, 1), error)
print([m for m in ("torch", "transformers", "datasets") if m in sys.modules])
"""


def load(endpoint: str, hub: dict, columns: dict, cache: Path, **env: str) -> str:
    """What loading from this endpoint prints; in a process of its own, as the hub reads its
    environment once."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(hub), json.dumps(columns)],
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(cache), **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def parquet_with_pictures(rows: int = 40, picture: int = 200_000) -> bytes:
    pictures = [{"bytes": os.urandom(picture), "path": f"{i}.png"} for i in range(rows)]
    table = pa.table(
        {
            "image": pictures,
            "question": [f"What is in picture {i}?" for i in range(rows)],
            "more": pictures,
            "options": [["one", "two", "three"] for _ in range(rows)],
            "answer": ["ABC"[i % 3] for i in range(rows)],
            "drawing": [os.urandom(picture // 2).hex() for _ in range(rows)],
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=20)
    return out.getvalue()


def test_only_text_columns_are_transferred(tmp_path):
    shards = {f"data/test-{i}.parquet": parquet_with_pictures() for i in range(2)}
    with serve_dataset("me/bench", {**shards, "README.md": b"x"}) as (endpoint, sent):
        out = load(endpoint, {"repo": "me/bench"}, {}, tmp_path)
    n, source, revision, answers = json.loads(out.splitlines()[0])
    assert n == 80
    assert answers[:4] == [0, 1, 2, 0]
    assert revision == COMMIT
    assert "data/test-0.parquet, data/test-1.parquet" in source
    assert out.splitlines()[1] == "[]"
    assert sum(sent) < 0.02 * sum(map(len, shards.values()))
    assert len(sent) < 15


def test_jsonl_on_the_hub(tmp_path):
    lines = [json.dumps({"q": f"How many, {i}?", "gold": i}) for i in range(10)]
    files = {"test.jsonl": "\n".join(lines).encode()}
    with serve_dataset("me/bench", files) as (endpoint, _):
        out = load(endpoint, {"repo": "me/bench"}, {"question": "q", "answer": "gold"}, tmp_path)
    assert json.loads(out.splitlines()[0])[3] == [float(i) for i in range(10)]


def test_a_missing_column_names_all_that_there_are(tmp_path):
    with serve_dataset("me/bench", {"test.parquet": parquet_with_pictures(5, 10)}) as (endpoint, _):
        out = load(endpoint, {"repo": "me/bench"}, {"answer": "anwser"}, tmp_path)
    assert "benchmark.columns.answer=anwser: no such column; did you mean 'answer'?" in out
    assert "question, options, answer, drawing" in out


def test_no_file_like_the_patterns(tmp_path):
    with serve_dataset("me/bench", {"train.csv": b"a,b\n1,2\n"}) as (endpoint, _):
        out = load(endpoint, {"repo": "me/bench"}, {}, tmp_path)
    assert "UserError" in out
    assert "train.csv" in out
    assert "benchmark.hub.files" in out


@pytest.mark.parametrize("gated", [False, True])
def test_missing_and_gated_datasets_say_what_to_do(tmp_path, gated):
    with serve_dataset("me/bench", {"test.parquet": parquet_with_pictures(5, 10)}, gated) as hub:
        repo = "me/bench" if gated else "me/other"
        out = load(hub[0], {"repo": repo}, {}, tmp_path)
    assert "UserError" in out
    assert "HF_TOKEN" in out
    assert ("GatedRepo" if gated else "RepositoryNotFound") in out


@pytest.mark.parametrize(
    ("endpoint", "env"),
    [
        ("http://127.0.0.1:9", {}),
        ("http://hub.invalid", {}),
        ("http://hub.invalid", {"HF_HUB_OFFLINE": "1"}),
    ],
)
def test_an_unreachable_hub_is_one_message_at_once(tmp_path, endpoint, env):
    start = time.time()
    out = load(endpoint, {"repo": "me/bench"}, {}, tmp_path, **env)
    assert out.startswith("UserError")
    assert "benchmark.path=FILE" in out
    assert "data_root=DIR" in out
    assert time.time() - start < 15
