"""Which column is what: two candidates, and names that a user gives."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.loading import settings_of
from tst.benchmarks.load import load_benchmark
from tst.core.errors import UserError


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"question": f"Q{i}", "A": "x", "B": "y", "answer": "A", "label": "B"} for i in range(4)],
         "benchmark.columns.answer is not set, and may be answer or label"),
        ([{"question": f"Q{i}", "text": f"Other {i}", "answer": "x"} for i in range(4)],
         "benchmark.columns.question is not set, and may be question or text"),
        ([{"question": f"Q{i}", "options": ["x", "y"], "choices": ["x", "z"], "gold": "x"}
          for i in range(4)],
         "benchmark.columns.options is not set, and may be options or choices"),
        ([{"question": f"Q{i}", "gold": "x", "pid": f"p{i}", "qid": f"q{i}"} for i in range(4)],
         "benchmark.columns.id is not set, and may be qid or pid"),
        ([{"question": f"Q{i}", "gold": "x", "category": "ab"[i % 2], "task": "cd"[i // 2]}
          for i in range(4)],
         "benchmark.columns.question_type is not set, and may be category or task"),
    ],
)  # fmt: skip
def test_two_candidates_are_refused_and_named(tmp_path, rows, says):
    (tmp_path / "a.json").write_text(json.dumps(rows))
    with pytest.raises(UserError, match=says) as caught:
        load_benchmark(settings_of("table", path=str(tmp_path / "a.json")))
    assert caught.value.settings


@pytest.mark.parametrize(
    "rows",
    [
        [{"question": f"Q{i}", "A": "x", "B": "y", "answer": "xy"[i % 2], "label": "AB"[i % 2]}
         for i in range(4)],
        [{"question": f"Q{i}", "prompt": f"Q{i}\nSay:", "answer": "xy"[i % 2]} for i in range(4)],
        [{"question": f"Q{i}", "options": ["x", "y"], "choices": ["x", "y"], "gold": "x"}
         for i in range(4)],
        [{"question": f"Q{i}", "gold": "x", "pid": f"p{i}", "index": i} for i in range(4)],
        [{"question": f"Q{i}", "choices": ["1", "2"], "answer": i % 2, "label": "S"}
         for i in range(4)],
    ],
)  # fmt: skip
def test_two_candidates_that_agree_are_one(tmp_path, rows):
    (tmp_path / "a.json").write_text(json.dumps(rows))
    table = load_benchmark(settings_of("table", path=str(tmp_path / "a.json")))
    assert len(table.frame) == 4


def test_names_may_leave_out_case_and_punctuation(tmp_path):
    rows = [{"The Question (en)": f"Q{i}", "Gold-Answer [1]": "x", "类 别": "t"} for i in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    columns = {"question": "the_question_en", "answer": "gold answer 1", "question_type": "类别"}
    table = load_benchmark(settings_of("table", path=str(tmp_path / "a.json"), columns=columns))
    assert table.frame["question"].tolist() == ["Q0", "Q1", "Q2"]


@pytest.mark.parametrize(
    ("cell", "column"),
    [
        (lambda i: {"task": {"name": "ab"[i % 2], "id": i}}, "task.name"),
        (lambda i: {"category": {"type": "ab"[i % 2]}}, "category.type"),
        (lambda i: {"meta": {"category": "ab"[i % 2], "source": "cd"[i % 2]}}, "meta.category"),
        (lambda i: {"info": {"task": {"name": "ab"[i % 2]}}}, "info.task.name"),
        (lambda i: {"category": "ab"[i % 2], "meta": {"task": "cd"[i // 4]}}, "category"),
        (lambda i: {"image": {"type": "ab"[i % 2]}}, None),  # a picture's
        (lambda i: {"task": {"name": f"t{i}"}}, None),  # no two questions share it
        (lambda i: {"meta": {"category": "ab"[i % 2], "task": "cd"[i // 4]}}, None),
    ],
)
def test_a_type_may_stand_inside_of_a_column(tmp_path, cell, column):
    rows = [{"question": f"Q{i}", "gold": "x", **cell(i)} for i in range(8)]
    (tmp_path / "mine.json").write_text(json.dumps(rows))
    table = load_benchmark(settings_of("table", path=str(tmp_path / "mine.json")))
    assert table.understanding.columns.get("question_type") == column
    assert table.frame["question_type"].nunique() == (1 if column is None else 2)
    several = "All are one type: meta.category and meta.task may say the type"
    assert any(several in note for note in table.understanding.notes) == (
        column is None and "task" in rows[0].get("meta", {})
    )
