"""Gold answers in files of their own."""

from __future__ import annotations

import json

import pytest

from tests.benchmarks.loading import settings_of
from tst.benchmarks.load import load_benchmark
from tst.core.errors import UserError

N = 8


def load(tmp_path, questions, answers, key=None, **changes):
    (tmp_path / "q.json").write_text(json.dumps(questions))
    (tmp_path / "gold.json").write_text(json.dumps(answers))
    apart = {"path": str(tmp_path / "gold.json"), "key": key}
    return load_benchmark(
        settings_of("table", path=str(tmp_path / "q.json"), answers=apart, **changes)
    )


def asked(name="qid"):
    return [{name: f"q{i}", "question": f"Which {i}?", "options": ["x", "y"]} for i in range(N)]


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ([{"qid": f"q{i}", "answer": "AB"[i % 2]} for i in range(N)], "qid"),
        ([{"qid": f"q{i}", "answer": "AB"[i % 2]} for i in range(N)], None),
        ([{"question_id": f"q{i}", "label": "AB"[i % 2]} for i in range(N)], None),
        ([{"question_id": f"q{i}", "label": "AB"[i % 2]} for i in range(N)], "qid"),
        ([{"ref": f"q{i}", "gold": "xy"[i % 2]} for i in range(N)], {"qid": "ref"}),
        ({f"q{i}": "AB"[i % 2] for i in range(N)}, "qid"),
        ({f"q{i}": {"answer": "AB"[i % 2]} for i in range(N)}, None),
        ({"annotations": [{"qid": f"q{i}", "answer": "AB"[i % 2]} for i in range(N)]}, "qid"),
    ],
)
def test_every_layout_of_answers(tmp_path, answers, key):
    table = load(tmp_path, asked(), answers, key)
    assert table.frame["answer"].tolist() == [0, 1] * (N // 2)
    assert table.understanding is not None
    assert "8 of its 8 are used" in " ".join(table.understanding.notes)


def test_numbers_and_texts_are_one_key(tmp_path):
    questions = [{**row, "qid": i} for i, row in enumerate(asked())]
    table = load(tmp_path, questions, {str(i): "A" for i in range(N)}, "qid")
    assert len(table.frame) == N


def test_questions_without_an_answer_are_left_out(tmp_path):
    table = load(tmp_path, asked(), {f"q{i}": "A" for i in range(1, N + 3)}, "qid")
    assert [(b.row, b.reason) for b in table.left_out] == [(1, "no gold answer")]
    assert table.understanding is not None
    assert "7 of its 10 are used" in " ".join(table.understanding.notes)


def test_answers_apart_go_before_placeholders(tmp_path):
    questions = [{**row, "answer": "hidden", "note": "mine"} for row in asked()]
    answers = [{"qid": f"q{i}", "answer": "B", "note": "theirs"} for i in range(N)]
    assert load(tmp_path, questions, answers).frame["answer"].tolist() == [1] * N


@pytest.mark.parametrize(
    ("answers", "key", "says"),
    [
        ({f"other{i}": "A" for i in range(N)}, "qid", "none of its 8 keys"),
        ([{"qid": "q0", "answer": a} for a in "AB"], "qid", "stands there twice"),
        ([{"ref": f"q{i}", "gold": "A"} for i in range(N)], None, "expected a column that joins"),
        (
            [{"ref": f"q{i}", "gold": "A"} for i in range(N)],
            "nothing",
            "expected a column that joins",
        ),
    ],
)
def test_what_does_not_join_is_refused(tmp_path, answers, key, says):
    with pytest.raises(UserError, match=says):
        load(tmp_path, asked(), answers, key)


def test_a_file_beside_is_suggested(tmp_path):
    (tmp_path / "gold.json").write_text(json.dumps({f"q{i}": "A" for i in range(N)}))
    (tmp_path / "q.json").write_text(json.dumps(asked()))
    with pytest.raises(UserError, match=r"gold.json has some, by qid") as caught:
        load_benchmark(settings_of("table", path=str(tmp_path / "q.json")))
    assert caught.value.settings == (
        f"benchmark.answers.path={tmp_path}/gold.json", "benchmark.answers.key=qid",
    )  # fmt: skip
