"""Tables from a YAML of conf/benchmark and rows of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from tst.benchmarks.load import load_benchmark
from tst.benchmarks.settings import BenchmarkSettings
from tst.core.questions import QuestionTable

CONF = Path(__file__).parents[2] / "conf" / "benchmark"


def settings_of(name: str, **changes: Any) -> BenchmarkSettings:
    """A YAML of conf/benchmark with changes, through the typed schema."""
    merged = OmegaConf.merge(
        OmegaConf.structured(BenchmarkSettings),
        OmegaConf.load(CONF / f"{name}.yaml"),
        OmegaConf.create(changes),
    )
    settings = OmegaConf.to_object(merged)
    assert isinstance(settings, BenchmarkSettings)
    return settings


def load(tmp_path: Path, records: list[dict], name: str = "table", **changes: Any) -> QuestionTable:
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in records))
    return load_benchmark(settings_of(name, path=str(path), **changes))


def rows_of(table: QuestionTable, *columns: str) -> list[tuple]:
    return list(table.frame[list(columns)].itertuples(index=False, name=None))
