"""One table in every layout and answer form gives the same questions."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.benchmarks.loading import settings_of
from tests.benchmarks.understanding.writing import LAYOUTS, Layout, Made
from tst.benchmarks.load import load_benchmark

NOUNS = ("lamp", "crate", "owl", "fence", "kettle", "sail", "ladder", "drum", "tent", "anchor")
PLACES = ("barn", "pier", "attic", "tower", "yard")


@st.composite
def tables(draw: st.DrawFn) -> list[Made]:
    """Options, yes or no, numbers and texts in one table, and as a type of its own or not."""
    rng = random.Random(draw(st.integers(0, 10_000)))
    typed = draw(st.booleans())
    n_options = draw(st.integers(2, 5))
    rows = []
    for i in range(draw(st.integers(24, 40))):
        kind = ("mc", "mc", "yes", "num", "text")[i % 5]
        where = f"{rng.choice(PLACES)} {i}"
        options: tuple[str, ...] = ()
        gold: Any
        if kind == "mc":
            # unlike sizes; every place is right in some row
            size = max(2, n_options - (i % 10 == 5))
            options = tuple(rng.sample(NOUNS, size))
            question, gold = f"What stands in {where}?", (i // 5 + i) % size
        elif kind == "yes":
            question, gold = f"Is the {where} full?", ("yes", "no")[i // 5 % 2]
        elif kind == "num":
            question, gold = f"How many steps has {where}?", rng.randint(3, 900) / 4
        else:
            question, gold = f"Who built the {where}?", f"{rng.choice(NOUNS)} guild {i % 7}"
        rows.append(Made(f"q{i}", question, options, gold, f"v{i // 3}", kind if typed else "all"))
    return rows


def meant(rows: list[Made]) -> list[tuple[Any, ...]]:
    """What a table of these rows holds."""
    found = []
    for row in rows:
        options: list[str] | None = list(row.options) or None
        answer, form = row.gold, "mc"
        if row.gold in ("yes", "no"):
            options, answer = ["yes", "no"], ("yes", "no").index(row.gold)
        elif isinstance(row.gold, float):
            form = "num"
        elif isinstance(row.gold, str):
            form, answer = "open", [row.gold]
        found.append((row.id, row.question, form, options, answer, row.video, row.kind))
    return sorted(found)


def understood(folder: Path, layout: Layout, rows: list[Made]) -> list[tuple[Any, ...]]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    table = load_benchmark(settings_of("table", **layout(folder, rows)))
    assert not table.left_out, [left.reason for left in table.left_out]
    columns = ["id", "question", "format", "options", "answer", "group_video", "question_type"]
    return sorted(table.frame[columns].itertuples(index=False, name=None))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=tables())
def test_every_layout_gives_the_same_questions(tmp_path, layout, rows):
    assert understood(tmp_path / "table", layout, rows) == meant(rows)
