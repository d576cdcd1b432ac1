"""A pruning in W&B, read back from the files that wandb itself wrote offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.pruning.conftest import PriorDiagnostic
from tests.tracking.offline_runs import the_run
from tst.prune import COMMAND
from tst.pruning import diagnosis, run
from tst.records.kinds import PRUNING
from tst.tracking.publisher_process import wait_for_publishing

pytest.importorskip("wandb")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "build_diagnostic", lambda config, store: PriorDiagnostic())
    monkeypatch.setattr(run, "write_figures", lambda *given: None)


def pruned(root: Path, *overrides: str) -> tuple[Path, dict[str, Any]]:
    COMMAND.register()
    words = ["diagnostic=rf", "benchmark.n=48", "fold.k=3", "fold.repeats=2", "prune.budget=16",
             "prune.batch=8", "prune.floor=0", "prune.types=all", "tracking=wandb",
             "tracking.tags=[mine]", f"outputs_root={root}"]  # fmt: skip
    config = COMMAND.compose([*words, *overrides])
    try:
        return run.run_pruning(config)
    finally:
        wait_for_publishing()


def test_the_curve_and_the_judgement_are_in_the_run(tmp_path):
    record, summary = pruned(tmp_path, "prune.judge=lora_llm", "prune.random_draws=2",
                             "prune.judge_seeds=[42]")  # fmt: skip
    shown = the_run(tmp_path)
    assert (shown.id, shown.project, shown.exit_code) == (record.name, "tst", 0)
    assert shown.tags == ["mine", "planted", "rf", "prune"]
    assert shown.config["prune"]["budget"] == 16
    assert shown.config["prune"]["judge"] == "lora_llm"
    assert shown.config["benchmark"]["fingerprint"] == summary["data"]["fingerprint"]
    iterations = pd.read_csv(record / "iterations.csv")
    rows = [row for row in shown.history if "iteration" in row]
    for key in ("iteration", "n", "removed", "score_hard", "adjusted_hard"):
        assert [row[key] for row in rows] == pytest.approx(iterations[key].tolist())
    assert set(shown.axes.values()) == {"iteration"}
    assert ["lowest_removed" in row for row in rows] == [True, True, False]
    assert shown.summary["state"] == "finished"
    assert shown.summary["removed"] == 16
    judged = summary["judged"][0]
    assert shown.summary["judged/lora_llm/random/ours/adjusted_hard"] == pytest.approx(
        judged["lists"]["ours"]["adjusted_hard"]
    )
    assert shown.summary["judged/lora_llm/random/random/adjusted_hard/mean"] == pytest.approx(
        judged["random"]["adjusted_hard"]["mean"]
    )
    assert "planted/share_of_removed" in shown.summary
    assert (
        shown.summary["per_type/mc_pair/removed"]
        == summary["pruning"]["per_type"]["mc_pair"]["removed"]
    )
    assert not any("/per_type/" in key for key in shown.summary)
    assert not any(str(tmp_path) in str(part) for part in (shown.config, shown.summary))


def test_the_same_pruning_with_a_judge_is_the_same_run(tmp_path):
    first, _ = pruned(tmp_path)
    assert not any(key.startswith("judged/") for key in the_run(tmp_path).summary)
    second, _ = pruned(tmp_path, "prune.judge=rf", "prune.judge_seeds=[42]")
    shown = the_run(tmp_path)
    assert first == second
    assert "judged/rf/random/ours/adjusted_hard" in shown.summary
    assert len([row for row in shown.history if "iteration" in row]) == 3


def test_a_failed_pruning_ends_as_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "describe", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pruned(tmp_path)
    shown = the_run(tmp_path)
    assert shown.exit_code == 1
    assert (shown.summary["state"], shown.summary["error"]) == ("failed", "ZeroDivisionError")
    assert "folds/finished" not in shown.summary


def test_what_could_not_be_computed_is_left_out(tmp_path):
    _, summary = pruned(tmp_path, "prune.judge=lora_llm", "prune.random_draws=1",
                        "prune.judge_seeds=[42]", "tracking=none")  # fmt: skip
    ours = summary["judged"][0]["lists"]["ours"]
    ours["adjusted_hard"], ours["interval"]["score_hard"] = float("nan"), [None, None]
    shown = PRUNING.figures(summary)
    assert "judged/lora_llm/random/ours/score_hard" in shown
    assert "judged/lora_llm/random/ours/adjusted_hard" not in shown
    assert "judged/lora_llm/random/ours/score_hard_low" not in shown
