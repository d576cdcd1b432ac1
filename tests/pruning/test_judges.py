"""Judges of what is left: their random band, who may be one, several in one table."""

import io
import logging
from pathlib import Path

from rich.console import Console

from tests.pruning.test_running import SMALL
from tst.cli.pruning_console import show_pruning, sweep_row
from tst.pruning.run import run_pruning


def test_the_judge_and_its_random_band(prune_config, prior, tmp_path, caplog):
    first, _ = run_pruning(prune_config(*SMALL, f"outputs_root={tmp_path / 'a'}"))
    listed = tmp_path / "list.txt"
    removed = (first / "removed_ids.txt").read_text().split()
    listed.write_text("\n".join(removed[:9]))
    with caplog.at_level(logging.INFO, logger="tst"):
        folder, summary = run_pruning(
            prune_config(
                *SMALL, "prune.judge=lora_llm", "prune.judge_folds=[random,grouped]",
                f"prune.compare={{part: {listed}, rf: {first / 'removed_ids.txt'}}}",
                "prune.random_draws=2", "prune.judge_seeds=[42]",
            )
        )  # fmt: skip
    judged = summary["judged"][0]
    assert judged["judge"] == "lora_llm"
    assert judged["seeds"] == [42]
    lists = judged["lists"]
    assert list(lists) == ["nothing", "ours", "part", "rf"]
    assert [entry["n"] for entry in lists.values()] == [48, 32, 39, 32]
    assert [entry["chooser"] for entry in lists.values()] == ["", "rf", None, "rf"]
    assert [entry["independent"] for entry in lists.values()] == [True, True, None, True]
    assert [lists[name]["difference_independent"] for name in ("nothing", "part", "rf")] == [
        True, None, True
    ]  # fmt: skip
    assert lists["ours"]["score_hard"] == lists["rf"]["score_hard"]
    assert lists["rf"]["difference"]["adjusted_hard"] == [0.0, 0.0]
    low, high = lists["ours"]["interval"]["adjusted_hard"]
    assert low < lists["ours"]["adjusted_hard"] < high
    assert judged["random"]["adjusted_hard"]["draws"] == 2
    assert set(judged["random"]["per_type"]) == set(summary["pruning"]["per_type"])
    assert summary["judged"][1]["group_by"] == "scene"
    shown = io.StringIO()
    show_pruning(summary, Path("record"), Console(file=shown, width=140))
    assert "? not known: who chose this" in shown.getvalue()
    card = (folder / "benchmark" / "README.md").read_text()
    assert any(r.startswith("| part") and "not known" in r for r in card.splitlines())
    assert "at random" not in (folder / "benchmark" / "README.md").read_text()
    assert "random, mean of 2" in (folder / "benchmark" / "README.md").read_text()
    assert "lora_llm (grouped folds) judges list random 1, 6 of 6" in caplog.text
    fits = prior.fits
    run_pruning(prune_config(*SMALL, "prune.judge=lora_llm", "prune.judge_seeds=[42]"))
    assert prior.fits == fits + 8 * 3  # eight more random draws


def test_the_chooser_is_no_independent_judge(prune_config, prior):
    _, summary = run_pruning(prune_config(*SMALL, "prune.judge=rf", "prune.random_draws=0"))
    lists = summary["judged"][0]["lists"]
    assert lists["nothing"]["independent"]
    assert not lists["ours"]["independent"]
    assert lists["nothing"]["difference_independent"] is False


def test_two_judges_in_one_table(prune_config, prior):
    _, summary = run_pruning(
        prune_config(*SMALL, "prune.judge=[rf,lora_llm]", "prune.random_draws={lora_llm: 1, rf: 2}",
                     "prune.judge_folds=[random,grouped]", "prune.judge_seeds=[42]")
    )  # fmt: skip
    judged = summary["judged"]
    assert [entry["random"]["adjusted_hard"]["draws"] for entry in judged] == [2, 2, 1, 1]
    by = [(entry["judge"], entry["folds"]) for entry in judged]
    assert by == [(j, f) for j in ("rf", "lora_llm") for f in ("random", "grouped")]
    assert [entry["lists"]["ours"]["independent"] for entry in judged] == [False] * 2 + [True] * 2
    shown = io.StringIO()
    show_pruning(summary, Path("record"), Console(file=shown, width=140))
    assert shown.getvalue().count("by rf") == 4
    assert shown.getvalue().count("not independent") == 3
    assert shown.getvalue().count("] *") == 2
    assert "* not independent: the judge chose ours or this" in shown.getvalue()
    assert "after (lora_llm, grouped)" in sweep_row(summary)
