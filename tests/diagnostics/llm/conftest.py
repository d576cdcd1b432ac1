"""A small mixed table, and a store in memory."""

from __future__ import annotations

import os

# two test workers on two cores: one thread each, and results that do not depend on the split
os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tst.core.questions import build_table
from tst.diagnostics.llm import diagnostic as _  # noqa: F401 - before imports are frozen
from tst.diagnostics.llm.settings import ModelSettings

TINY = ModelSettings(name="tiny", quantization="none")


def mixed_rows(n: int = 36, groups: int = 9) -> list[dict]:
    draw = np.random.default_rng(0)
    rows = []
    for i in range(n):
        kind = ("mc", "num", "mc", "open")[i % 4]
        words = " ".join(["word"] * int(draw.integers(1, 12)))
        answer = {"mc": (i // 4) % 3, "num": float(i % 5), "open": ["yes" if i % 3 else "no", "y"]}[
            kind
        ]
        rows.append(
            {
                "id": f"q{i}",
                "question_type": f"{kind}_type",
                "format": kind,
                "question": f"What is item {i} {words}?",
                "options": [f"choice {j}" for j in range(3 + i % 3)] if kind == "mc" else None,
                "answer": answer,
                # uneven on purpose: the first group is large
                "group_scene": "big" if i < n // 3 else f"scene{i % groups}",
                "metadata": {},
            }
        )
    return rows


@pytest.fixture(scope="session")
def table() -> pd.DataFrame:
    return build_table("mixed", mixed_rows()).frame


class MemoryStore:
    """What the record's store does, without files (adapters go to a folder)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: dict[tuple[str, str], pd.DataFrame] = {}
        self.gets: list[str] = []

    def get(self, kind: str, key: str) -> pd.DataFrame | None:
        self.gets.append(key)
        return self.kept.get((kind, key))

    def put(self, kind: str, key: str, frame: pd.DataFrame) -> None:
        # through parquet, as the record does: lists come back as arrays, None stays None
        path = self.folder / "kept.parquet"
        frame.to_parquet(path)
        self.kept[kind, key] = pd.read_parquet(path)

    @contextmanager
    def adapter_folder(self, repeat: int, fold: int, part: str = "") -> Iterator[Path]:
        folder = self.folder / f"{repeat}-{fold}" / part
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    return MemoryStore(tmp_path)
