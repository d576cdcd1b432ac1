import io
import json

import pandas as pd
import pytest
from rich.console import Console

from tst.api import stress_test
from tst.cli.summary_console import show_summary

COLUMNS = {
    "question": "q", "options": "choices", "answer": "gold", "question_type": "kind",
    "groups": {"video": "clip"},
}  # fmt: skip


@pytest.fixture
def stress(tmp_path):
    """Stress-test 40 num questions in 10 groups and mc questions in the groups that are named."""

    def run(mc_groups, *overrides):
        n = len(mc_groups)
        frame = pd.DataFrame(
            {
                "q": [f"How many in {i}?" for i in range(40)] + [f"What is {i}?" for i in range(n)],
                "choices": [None] * 40 + [["red", "green", "blue"]] * n,
                "gold": [str(1 + i % 7) for i in range(40)] + ["red", "green", "blue"] * (n // 3),
                "kind": ["num"] * 40 + ["mc"] * n,
                "clip": [f"v{i % 10}" for i in range(40)] + mc_groups,
            }
        )
        settings = [
            "null.repeats=2",
            "diagnostic.trees=5",
            "diagnostic.inner_folds=2",
            "n_jobs=1",
            *overrides,
        ]
        return stress_test(
            frame, columns=COLUMNS, name="few", outputs_root=tmp_path, overrides=settings
        )

    return run


def said(summary):
    text = io.StringIO()
    show_summary(summary, Console(file=text, width=160))
    return text.getvalue()


@pytest.mark.parametrize(
    ("folds", "mc_groups", "reason"),
    [
        ("random5", ["w0", "w1", "w2"], "3 mc questions, fewer than the 5 folds"),
        ("grouped5", ["w0", "w1", "w2"] * 3, "3 groups (video) with mc questions, fewer than"),
    ],
)
def test_too_few_mc_questions_leave_the_uniform_null_out(stress, folds, mc_groups, reason):
    result = stress(mc_groups, f"fold={folds}")
    null = result.summary["null"]
    assert (null["permuted"]["draws"], null["permuted"]["holds"]) == (2, True)
    assert reason in null["uniform"]["holds_reason"]
    assert (null["uniform"]["draws"], null["uniform"]["holds"]) == (0, None)
    assert null["uniform"]["score_hard"] is None
    assert f"uniform null cannot be judged: left out: {reason}" in said(result.summary)
    assert "no score" not in said(result.summary)
    result.summary["overall"]["missing"] = "1 questions have no score (the diagnostic gave none)"
    assert "1 questions have no score (the diagnostic gave none)" in said(result.summary)
    assert json.loads((result.record / "status.json").read_text())["state"] == "finished"
    assert {p.stem[:-2] for p in (result.record / "null").iterdir()} == {"permuted"}


def test_mc_questions_of_one_group_cannot_judge_the_uniform_null(stress):
    summary = stress(["w"] * 9).summary
    assert summary["null"]["uniform"]["draws"] == 2
    assert summary["null"]["uniform"]["holds"] is None
    permuted = summary["null"]["permuted"]
    assert (permuted["draws"], permuted["holds"], permuted["violated_by"]) == (2, True, [])
    assert permuted["expected"] > permuted["majority"]  # guessing
    assert permuted["excess"] <= 2.5 * permuted["standard_error"]
    assert "uniform null cannot be judged: the questions lie in one group" in said(summary)
    assert "no interval of mc: fewer than two groups" in said(summary)
    assert "overall" not in said(summary).split("no interval of")[1].splitlines()[0]
    assert stress(["w"] * 9).summary == summary  # kept draws are read back
