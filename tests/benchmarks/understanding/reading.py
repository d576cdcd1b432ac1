"""A table loaded from made-up rows, and what its understanding says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.benchmarks.loading import settings_of
from tst.benchmarks.load import load_benchmark
from tst.core.questions import QuestionTable


def load(tmp_path: Path, records: list[dict[str, Any]], **changes: Any) -> QuestionTable:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(r) for r in records))
    return load_benchmark(settings_of("table", **{"path": str(path), **changes}))


def load_csv(tmp_path: Path, text: str, suffix: str = ".csv", **changes: Any) -> QuestionTable:
    path = tmp_path / f"a{suffix}"
    path.write_text(text, encoding="utf-8")
    return load_benchmark(settings_of("table", **{"path": str(path), **changes}))


def formats(table: QuestionTable) -> dict[str, int]:
    return table.frame["format"].value_counts().to_dict()


def reasons(table: QuestionTable) -> dict[int, str]:
    return {left.row: left.reason for left in table.left_out}


def warnings(table: QuestionTable) -> str:
    assert table.understanding is not None
    return "\n".join(table.understanding.warnings)


def told(table: QuestionTable) -> str:
    assert table.understanding is not None
    return "\n".join(table.understanding.notes)
