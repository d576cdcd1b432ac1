"""prune.types: only types that give answers away lose questions."""

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from tst.cli.pruning_console import show_pruning
from tst.pruning.dry_run import describe
from tst.pruning.record import NONE_EXPOSED
from tst.pruning.run import run_pruning

LARGER = ["prune.types=exposed", "benchmark.n=240", "prune.batch=6"]
GIVEN_AWAY = {"mc_position", "num_frequent"}
"""What the prior of positions and the median answer."""


@pytest.fixture(scope="module")
def nothing_else():
    """Types that the test's diagnostic answers: 30 questions each, a fifth of both is 12."""
    return 12


def said(summary):
    text = io.StringIO()
    show_pruning(summary, Path("record"), Console(file=text, width=120))
    return text.getvalue()


def test_only_exposed_types_lose_questions(prune_config, prior, nothing_else):
    folder, summary = run_pruning(prune_config(*LARGER))
    done = summary["pruning"]
    lost = {name for name, part in done["per_type"].items() if part["removed"]}
    assert lost == GIVEN_AWAY
    assert done["removed"] == done["budget"] == nothing_else
    states = {entry["question_type"]: entry["state"] for entry in done["exposure"]}
    assert states["mc_position"] == "exposed"
    assert states["num_frequent"] == "one answer"
    removed = pd.read_csv(folder / "removed.csv")
    assert list(removed) == ["id", "question_type", "iteration", "score", "shortcut", "why"]
    assert removed["id"].tolist() == (folder / "removed_ids.txt").read_text().split()
    assert removed["iteration"].tolist() == [0] * 6 + [1] * 6
    by_type = removed.groupby("question_type")["shortcut"].agg(set)
    assert by_type["mc_position"] == {"position"}
    assert by_type["num_frequent"] == {"constant"}
    assert (removed["why"] != "").all()
    position = done["per_type"]["mc_position"]
    assert position["score_hard"][0] > position["score_hard"][1]
    text = said(summary)
    assert "6 types keep all questions (6 no sign)" in text
    assert "pruned file: record/benchmark/planted_pruned.jsonl" in text
    assert "record/removed.csv" in text and "nobody but the chooser has judged" in text


def test_with_no_exposed_type_nothing_is_removed_and_that_is_said(prune_config, prior):
    """Six questions of each type are too few to tell."""
    words = ["prune.types=exposed", "prune.judge=rf", "prune.judge_seeds=[42]"]
    folder, summary = run_pruning(prune_config(*words, "prune.random_draws=1"))
    done = summary["pruning"]
    assert (done["removed"], done["kept"], done["stopped"]) == (0, 48, NONE_EXPOSED)
    assert done["before"]["score_hard"] == done["after"]["score_hard"] > 0
    assert not len(pd.read_csv(folder / "removed.csv"))
    assert len((folder / "benchmark" / "planted_pruned.jsonl").read_text().splitlines()) == 48
    lists = summary["judged"][0]["lists"]
    assert lists["nothing"]["score_hard"] == lists["ours"]["score_hard"]
    assert "no question type is exposed" in said(summary)


def test_lists_that_name_their_types_ignore_it(prune_config, prior):
    words = [*LARGER, "prune.shares={mc_clean: 5}"]
    _, summary = run_pruning(prune_config(*words))
    lost = {n: p["removed"] for n, p in summary["pruning"]["per_type"].items() if p["removed"]}
    assert lost == {"mc_clean": 5}
    assert summary["pruning"]["exposure"] == []


def test_a_count_is_bounded_by_the_exposed_types_and_their_floors(prune_config, prior):
    _, summary = run_pruning(prune_config(*LARGER, "prune.budget=200", "prune.batch=40"))
    done = summary["pruning"]
    assert done["stopped"] == "floors"
    assert {n: p["kept"] for n, p in done["per_type"].items() if p["removed"]} == dict.fromkeys(
        GIVEN_AWAY, 10
    )


def test_globally_too_only_exposed_types_lose_questions(prune_config, prior):
    _, summary = run_pruning(prune_config(*LARGER, "prune.allocation=global"))
    lost = {name for name, part in summary["pruning"]["per_type"].items() if part["removed"]}
    assert lost
    assert lost <= GIVEN_AWAY
    assert summary["pruning"]["removed"] == 12


def test_a_dry_run_says_that_the_first_diagnosis_decides(prune_config, prior):
    assert "only types that the first diagnosis finds exposed" in describe(prune_config(*LARGER))
    assert prior.fits == 0
