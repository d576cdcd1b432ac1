"""Prunings that run out of groups."""

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tst.cli.pruning_console import show_pruning, sweep_row
from tst.core.errors import UserError
from tst.pruning.run import run_pruning
from tst.records.files import read_json

SMALL = ["prune.batch=1", "prune.floor=0", "prune.allocation=global"]


@pytest.fixture
def few(prune_config, tmp_path):
    """A config of 24 questions in 5 groups, two of them of a single question; 3 folds."""
    path = tmp_path / "few.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "q", "gold", "a", "b", "video"])
        for i in range(24):
            video = f"lone{i}" if i < 2 else f"v{i % 3}"
            # the answer that is frequent is what goes first, and that is the lone groups'
            rows.writerow([f"q{i:02d}", f"What is {i}?", "AB"[i % 3 == 2], "red", "blue", video])

    def make(*overrides):
        return prune_config(
            "benchmark=table", f"benchmark.path={path}", "benchmark.columns.id=id",
            "benchmark.columns.question=q", "benchmark.columns.answer=gold",
            "benchmark.columns.options=[a,b]", "benchmark.columns.groups={video: video}",
            *SMALL, *overrides,
        )  # fmt: skip

    return make


def listed(tmp_path, ids):
    path = tmp_path / "list.txt"
    path.write_text("".join(f"{i}\n" for i in ids))
    return path


def said(summary):
    text = io.StringIO()
    show_pruning(summary, Path("record"), Console(file=text, width=160))
    return text.getvalue()


def test_a_pruning_stops_before_groups_run_out(few, prior):
    config = few("fold=grouped5", "fold.k=4", "prune.budget=18")
    folder, summary = run_pruning(config)
    done = summary["pruning"]
    assert done["stopped"] == "groups"
    assert 0 < done["removed"] < 18
    assert f"{done['removed']} of 18 were removed, as another batch" in said(summary)
    assert "fewer groups than there are folds" in (folder / "benchmark" / "README.md").read_text()
    assert read_json(folder / "status.json")["state"] == "finished"
    fits = prior.fits
    assert run_pruning(config)[1]["pruning"]["removed"] == done["removed"]
    assert prior.fits == fits


def test_a_grouped_judge_leaves_out_lists_that_leave_too_few_groups(few, prior, tmp_path):
    lone = listed(tmp_path, ["q00", "q01"])
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "".join(json.dumps({"id": f"q{i:02d}", "prediction": "A"}) + "\n" for i in range(24))
    )
    folder, summary = run_pruning(
        few("fold.k=5", "prune.budget=2", "prune.judge=lora_llm", "prune.random_draws=1",
            "prune.judge_folds=[grouped,random]", "prune.judge_seeds=[42]",
            f"prune.compare={{lone: {lone}}}", f"prune.predictions={{m: {answers}}}")
    )  # fmt: skip
    grouped, random = summary["judged"]
    reason = "3 groups (video) are left, fewer than the 5 folds"
    assert grouped["left_out"]["lone"] == reason
    assert "lone" not in grouped["lists"]
    assert "nothing" in grouped["lists"]
    assert list(random["lists"]) == ["nothing", "ours", "lone"]
    assert "left_out" not in random
    blind = summary["predictions"]["m"]["overall"]["lists"]["lone"]["blind"]
    assert blind == pytest.approx(random["lists"]["lone"]["score_hard"])
    assert f"left out of lora_llm, grouped folds: lone ({reason})" in said(summary)
    assert f"Left out: lone ({reason})." in (folder / "benchmark" / "README.md").read_text()


def test_a_judge_that_leaves_out_ours(few, prior, tmp_path):
    like = ["fold.k=5", "prune.budget=20", "prune.judge=lora_llm", "prune.random_draws=1",
            "prune.judge_folds=[grouped]", "prune.judge_seeds=[42]"]  # fmt: skip
    answers = tmp_path / "answers.csv"
    answers.write_text("id,prediction\n" + "".join(f"q{i:02d},A\n" for i in range(24)))
    with pytest.raises(UserError, match="leaves fewer than the 5 folds need"):
        run_pruning(few(*like))
    like[1] = "prune.budget=19"
    _, summary = run_pruning(few(*like, f"prune.predictions={{m: {answers}}}"))
    judged = summary["judged"][0]
    assert list(judged["lists"]) == ["nothing"]
    assert set(judged["left_out"]) == {"ours", "random 0"}
    assert summary["predictions"]["m"]["blind"] == "not known"
    assert sweep_row(summary)["after (lora_llm, grouped)"] is None


@pytest.mark.parametrize(
    "settings", [["fold=grouped5"], ["prune.judge=rf", "prune.judge_folds=[grouped]"]]
)
def test_fewer_groups_than_folds_are_refused_before_anything_runs(few, prior, settings):
    with pytest.raises(UserError, match=r"fold.k=6: there are only 5 groups \(video\)"):
        run_pruning(few(*settings, "fold.k=6", "prune.budget=2"))
    assert prior.fits == 0
