import json
from pathlib import Path
from typing import Any

import pytest

from tst.analysis.experiments import find_experiments
from tst.analysis.tables.noisy import noisy_table
from tst.analysis.tables.paper_table import footnotes, write_figure
from tst.analysis.tables.pruning import gap_table, solvability_table
from tst.noisy_tuning.record import VERSION
from tst.records.files import checksum
from tst.records.identity import RESULTS_VERSION
from tst.records.kinds import NOISY_TUNING, PRUNING
from tst.records.verification import describe_left_out


def write_experiment(path: Path, summary: dict[str, Any], state: str = "finished") -> None:
    path.mkdir(parents=True)
    (path / "summary.json").write_text(json.dumps(summary))
    files = {"summary.json": checksum(path / "summary.json")}
    (path / "status.json").write_text(json.dumps({"state": state, "files": files}))


def noisy_summary(optimizer: str, seed: int, auroc: float | None) -> dict[str, Any]:
    run = {
        "optimizer": optimizer, "model": "m", "corruption": "shuffled", "share": 0.3,
        "schedule": "probe", "steps": 150, "batch_size": 32, "seed": seed,
        "version": VERSION, "setting": "0123abcd", "study": "89abcdef", "learning_rate": 2e-4,
        "filter_share": 0.0,
    }  # fmt: skip
    confidence: dict[str, Any] = {"mean_clean": 0.6, "mean_corrupted": 0.4, "auroc": auroc}
    if auroc is None:
        confidence = {"reason": "this optimizer has no confidence"}
    losses = {f"{p}_after": 1.0 + seed for p in ("held_out", "train_clean", "train_corrupted")}
    return {
        "run": run, "detection": {"confidence": confidence, "loss": {"auroc": 0.9}},
        "memorisation": {**losses, "memorised": 0.1}, "cost": {"step_seconds": 0.5},
    }  # fmt: skip


def test_noisy_runs_are_averaged_over_seeds(tmp_path: Path) -> None:
    for seed in (0, 1):
        for optimizer, auroc in (("casmo", 0.8 + seed / 10), ("adamw", None)):
            folder = tmp_path / f"noisy/alpaca/{optimizer}/shuffled-even/{seed}"
            write_experiment(folder, noisy_summary(optimizer, seed, auroc))
    good, bad = find_experiments(tmp_path, NOISY_TUNING)
    assert not bad
    table = noisy_table(good)
    rows = {row.labels[1]: row.cells for row in table.rows}
    assert write_figure(rows["casmo"]["held_out"]) == "1.500 ± 0.707"
    assert write_figure(rows["casmo"]["auroc"]) == "0.850 ± 0.071"
    assert rows["casmo"]["auroc"].seeds == (0, 1)
    assert rows["adamw"]["auroc"].missing
    assert any("this optimizer has no confidence" in note for note in footnotes(table))


def test_noisy_runs_of_other_settings_or_versions_are_not_averaged(tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [{}, {"setting": "4567cdef", "seed": 1}, {"version": 1}]
    for number, change in enumerate(changes):
        summary = noisy_summary("casmo", 0, 0.8)
        summary["run"] |= change
        write_experiment(tmp_path / f"noisy/alpaca/casmo/shuffled-even/{number}", summary)
    table = noisy_table(find_experiments(tmp_path, NOISY_TUNING)[0])
    assert [row.cells["auroc"].seeds for row in table.rows] == [(0,), (1,)]
    assert any("another version" in note for note in footnotes(table))


def test_unfinished_experiments_are_left_out(tmp_path: Path) -> None:
    write_experiment(
        tmp_path / "noisy/alpaca/casmo/shuffled-even/a", noisy_summary("casmo", 0, 0.8), "running"
    )
    write_experiment(
        tmp_path / "noisy/alpaca/casmo/shuffled-even/b", noisy_summary("casmo", 0, 0.8)
    )
    (tmp_path / "noisy/alpaca/casmo/shuffled-even/b/summary.json").write_text("{}")
    good, bad = find_experiments(tmp_path, NOISY_TUNING)
    assert not good
    assert [u.state for u in bad] == ["running", "damaged"]


def pruning_summary() -> dict[str, Any]:
    def entry(adjusted: float, removed: int, chooser: str = "") -> dict[str, Any]:
        return {
            "n": 100 - removed, "score_hard": adjusted + 0.1, "adjusted_hard": adjusted,
            "interval": {"score_hard": [0.2, 0.6],
                         "adjusted_hard": [adjusted - 0.1, adjusted + 0.1]},
            "removed": removed, "chooser": chooser, "independent": chooser != "rf",
            "difference": {"adjusted_hard": [-0.2, -0.05]},
        }  # fmt: skip

    def band(mean: float) -> dict[str, Any]:
        return {"draws": 10, "mean": mean, "sd": 0.01, "low": mean - 0.02, "high": mean + 0.02}

    lists = {"nothing": entry(0.4, 0), "ours": entry(0.3, 20, "rf"), "pilot": entry(0.35, 20)}
    judged = {
        "judge": "rf",
        "label": "TsT-RF",
        "model": "",
        "folds": "random",
        "lists": lists,
        "random": {f: band(0.4) for f in ("score_hard", "adjusted_hard")},
    }
    before = {"n": 100, "vision": 0.8, "blind": 0.5, "gap": 0.3}
    after = {"n": 80, "vision": 0.78, "blind": 0.4, "gap": 0.38, "gap_change": 0.08}
    at_random = {m: band(before[m]) for m in ("vision", "blind", "gap")}
    overall = {
        "lists": {"before": before, "after": after},
        "random": at_random,
        "gap_grows_beyond_random": True,
    }
    return {
        "results_version": RESULTS_VERSION, "chooser": "rf", "label": "TsT-RF", "model": "",
        "data": {"fingerprint": "a", "questions": 100},
        "pruning": {"removed": 20}, "judged": [judged],
        "predictions": {"gpt": {"blind": "judge", "overall": overall, "per_type": {}}},
    }  # fmt: skip


def test_pruning_tables(tmp_path: Path) -> None:
    write_experiment(tmp_path / "prune/vsi_bench/rf/abc", pruning_summary())
    experiments, _ = find_experiments(tmp_path, PRUNING)
    table = solvability_table(experiments)
    names = [row.labels[-1] for row in table.rows]
    assert names == ["nothing", "ours (not independent)", "pilot", "at random"]
    assert write_figure(table.rows[2].cells["difference"]) == "−5.0 [−20.0, −5.0]"
    assert write_figure(table.rows[3].cells["adjusted"]) == "40.0 ± 1.0"
    gaps = gap_table(experiments)
    assert [row.labels[-1] for row in gaps.rows] == ["nothing", "ours", "at random"]
    assert write_figure(gaps.rows[1].cells["change"]) == "+8.0"
    assert "abc" in "".join(footnotes(gaps))


def test_prunings_of_an_earlier_version_are_left_out_in_one_sentence(tmp_path: Path) -> None:
    earlier = pruning_summary()
    del earlier["results_version"]
    for name in ("a", "b"):
        write_experiment(tmp_path / f"prune/vsi_bench/rf/{name}", earlier)
    good, bad = find_experiments(tmp_path, PRUNING)
    assert not good
    [sentence] = describe_left_out(bad)
    assert "2 records of results version 2" in sentence


@pytest.mark.parametrize("table", [solvability_table, gap_table, noisy_table])
def test_tables_without_records_are_empty(table: Any) -> None:
    assert table([]).rows == []
