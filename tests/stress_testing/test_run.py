import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.commands import StartedCommand
from tests.conftest import QUICK, SMALL
from tst.api import stress_test
from tst.config.composition import compose
from tst.core.diagnostic import Diagnostic, Predictions
from tst.core.errors import UserError
from tst.records.files import checksum, read_json
from tst.records.run_records import RunRecord, examine
from tst.stress_testing.run import run

QUESTIONS = [
    "id", "question_type", "format", "group_scene", "n_options", "question", "options", "answer",
    "fold", "s", "s_zero_shot", "delta", "bits", "baseline", "majority", "adjusted",
    "p_options",
    "p_options_zero_shot", "prediction", "correct", "correct_zero_shot", "margin", "letter_mass",
    "generated", "parsed", "reasons", "contributions", "planted", "cue", "n_repeats",
]  # fmt: skip


@pytest.fixture(scope="module")
def finished_root(tmp_path_factory):
    """The outputs of one finished quick run."""
    root = tmp_path_factory.mktemp("finished")
    run(compose([*QUICK, f"outputs_root={root}"]))
    return root


@pytest.fixture
def finished(finished_root, quick_config, tmp_path):
    """Its result, with a copy of its own of the record."""
    shutil.copytree(finished_root, tmp_path, dirs_exist_ok=True)
    return run(quick_config())


def test_a_run_leaves_the_record_that_the_docs_promise(quick_config):
    result = run(quick_config("fold.repeats=2"))
    record = result.record
    assert result.complete
    assert list(result.questions) == QUESTIONS
    assert len(result.questions) == 96
    assert (result.questions["n_repeats"] == 2).all()
    names = {p.name for p in record.iterdir()}
    assert {"config.yaml", "environment.json", "status.json", "predictions.parquet", "log",
            "questions.parquet", "questions.csv", "summary.json", "folds"} <= names  # fmt: skip
    assert len(list((record / "folds").glob("*.parquet"))) == 10
    predictions = pd.read_parquet(record / "predictions.parquet")
    assert len(predictions) == 192
    means = predictions.groupby("id")["s"].mean().reindex(result.questions["id"])
    np.testing.assert_allclose(means, result.questions["s"])
    summary = json.loads((record / "summary.json").read_text())
    assert {"overall", "macro", "per_format", "per_type", "cost", "data", "planted"} <= set(summary)
    assert summary["overall"]["n"] == 96
    assert summary["overall"]["score_soft"] == pytest.approx(result.questions["s"].mean())
    assert len(summary["per_type"]) == 8
    status = read_json(record / "status.json")
    assert status["state"] == "finished"
    assert all(checksum(record / name) == value for name, value in status["files"].items())


def test_options_and_answers_are_json_and_agree(finished):
    questions = finished.questions
    mc = questions[questions["format"] == "mc"]
    p_options = [json.loads(p) for p in mc["p_options"]]
    np.testing.assert_allclose([sum(p) for p in p_options], 1.0)
    assert [len(p) for p in p_options] == list(mc["n_options"])
    assert [int(np.argmax(p)) for p in p_options] == [json.loads(p) for p in mc["prediction"]]
    gold = [p[json.loads(a)] for p, a in zip(p_options, mc["answer"], strict=True)]
    np.testing.assert_allclose(gold, mc["s"])
    num = questions[questions["format"] == "num"]
    assert all(isinstance(json.loads(p), float) for p in num["prediction"])
    assert num["correct"].isna().all()


def test_some_folds_now_and_the_rest_later_equal_one_run(quick_config, finished_root):
    partial = run(quick_config("fold.only=[1,3]"))
    assert not partial.complete
    assert not (partial.record / "summary.json").exists()
    assert read_json(partial.record / "status.json")["state"] == "partial"
    assert len(partial.questions) < 96
    before = {p.name: p.stat().st_mtime_ns for p in (partial.record / "folds").iterdir()}
    whole = run(quick_config())
    assert whole.record == partial.record
    after = {p.name: p.stat().st_mtime_ns for p in (whole.record / "folds").iterdir()}
    assert before.items() <= after.items()  # finished folds were not computed again
    at_once = run(quick_config(f"outputs_root={finished_root}"))
    pd.testing.assert_frame_equal(whole.questions, at_once.questions)


def test_killed_in_the_middle_and_run_again_equals_an_undisturbed_run(
    quick_config, finished_root, tmp_path
):
    command = StartedCommand("tst.main", *QUICK, f"outputs_root={tmp_path}/killed")
    folds = tmp_path / "killed" / "runs"
    deadline = time.time() + 120
    while not list(folds.rglob("folds/*.json")) and time.time() < deadline:
        time.sleep(0.02)
    command.signal(signal.SIGKILL)
    command.end()
    finished = {p: p.stat().st_mtime_ns for p in folds.rglob("folds/*.json")}
    assert finished
    again = run(quick_config(f"outputs_root={tmp_path}/killed"))
    assert all(path.stat().st_mtime_ns == at for path, at in finished.items())
    undisturbed = run(quick_config(f"outputs_root={finished_root}"))
    pd.testing.assert_frame_equal(again.questions, undisturbed.questions)
    assert again.summary["overall"] == undisturbed.summary["overall"]


def test_two_processes_share_the_folds_of_one_record(tmp_path):
    words = ("diagnostic=rf", *SMALL, "benchmark.n=400", "fold=random10")
    both = [StartedCommand("tst.main", *words, f"outputs_root={tmp_path}") for _ in range(2)]
    ended = [command.end() for command in both]
    assert [done.returncode for done in ended] == [0, 0], ended
    outputs = [done.stdout.splitlines() for done in ended]
    assert outputs[0][-1] == outputs[1][-1]  # both name the one record
    (record,) = (p.parent for p in tmp_path.rglob("summary.json"))
    assert len(list((record / "folds").glob("*.parquet"))) == 10
    log = (record / "log").read_text()
    assert log.count(": score ") == 10  # every fold was computed once
    assert read_json(record / "status.json")["state"] == "finished"


@pytest.mark.parametrize("damage", ["truncate", "tamper", "sidecar", "result"])
def test_damaged_files_are_set_aside_and_computed_again(quick_config, finished, damage):
    first = finished
    path = {
        "truncate": first.record / "folds" / "0-2.parquet",
        "tamper": first.record / "folds" / "0-2.parquet",
        "sidecar": first.record / "folds" / "0-2.json",
        "result": first.record / "questions.parquet",
    }[damage]
    content = path.read_bytes()
    spoilt = content[: len(content) // 2] if damage != "tamper" else b"x" + content[1:]
    path.write_bytes(spoilt)
    if damage != "result":
        (first.record / "summary.json").unlink()
    again = run(quick_config())
    assert again.complete
    pd.testing.assert_frame_equal(first.questions, again.questions)
    assert list(first.record.rglob(f"{path.name}.damaged-*"))


class Failing(Diagnostic):
    def fit_predict(self, train, heldout, seed):
        if (heldout["question_type"] == "mc_clean").sum() and seed % 2:
            raise RuntimeError("planned failure")
        return Predictions.empty(len(heldout))


def test_a_failure_is_in_the_record_and_finished_folds_stay(quick_config, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(
            "tst.stress_testing.run.build_diagnostic", lambda config, _: Failing(config.diagnostic)
        )
        with pytest.raises(RuntimeError, match="planned failure"):
            run(quick_config())
    config = quick_config()
    status = read_json(next(Path(config.outputs_root).rglob("status.json")))
    assert status["state"] == "failed"
    assert "planned failure" in status["traceback"]
    assert run(config).complete


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt])
def test_whatever_ends_a_rerun_a_complete_record_stays_finished(
    quick_config, finished, monkeypatch, end
):
    record = finished.record

    def stop(*args, **kwargs):
        raise end

    monkeypatch.setattr("tst.stress_testing.run.run_nulls", stop)
    with pytest.raises(end):
        run(quick_config("null.repeats=1"))
    assert read_json(record / "status.json")["state"] == "finished"
    assert isinstance(examine(record), RunRecord)


def test_nulls_hold_and_are_kept(quick_config):
    result = run(quick_config("fold.k=3", "null.repeats=3"))
    null = result.summary["null"]
    assert null["permuted"]["holds"] and null["uniform"]["holds"]
    assert 0.25 <= null["permuted"]["p"] <= 1.0
    kept = {p: p.stat().st_mtime_ns for p in (result.record / "null").iterdir()}
    assert len(kept) == 6
    more = run(quick_config("fold.k=3", "null.repeats=4"))
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    assert more.summary["null"]["permuted"]["draws"] == 4


def test_stress_test_from_a_data_frame(tmp_path):
    frame = pd.DataFrame(
        {
            "q": [f"What colour is thing {i}?" for i in range(60)],
            "choices": [["red", "green", "blue"]] * 60,
            "gold": ["green" if i % 3 else "red" for i in range(60)],
            "clip": [f"v{i % 12}" for i in range(60)],
        }
    )
    columns = {"question": "q", "options": "choices", "answer": "gold", "groups": {"video": "clip"}}
    overrides = ["fold=grouped5", *SMALL]
    result = stress_test(
        frame, columns=columns, name="colours", outputs_root=tmp_path, overrides=overrides
    )
    assert result.summary["overall"]["score_hard"] > 0.6
    assert result.summary["resampled"] == {
        "group": "video",
        "n": result.questions["group_video"].nunique(),
    }
    assert "grouped5-video" in str(result.record)
    with pytest.raises(UserError, match="expected some of"):
        stress_test(frame, columns={"quetsion": "q"}, outputs_root=tmp_path)


def test_an_rf_run_imports_no_deep_learning(tmp_path):
    code = (
        "import sys; from tst.config.composition import compose\n"
        "from tst.stress_testing.run import run\n"
        "run(compose(['diagnostic=rf', 'benchmark.n=96', 'diagnostic.trees=5',"
        " 'diagnostic.inner_folds=2',"
        " 'outputs_root=' + sys.argv[1]]))\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'wandb', 'datasets'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True)


def test_the_same_questions_in_another_order_give_the_same_scores(tmp_path):
    rows = [
        {"question": f"How many {w} are there in room {i}?", "answer": str(2 + i % 3)}
        for i in range(40)
        for w in ("cats", "dogs")
    ]
    frame = pd.DataFrame(rows)
    quick = SMALL
    one = stress_test(frame, outputs_root=tmp_path, overrides=quick)
    other = frame.sample(frac=1, random_state=1)
    two = stress_test(other, outputs_root=tmp_path / "b", overrides=quick)
    assert one.record.name == two.record.name
    merged = one.questions.merge(two.questions, on="id")
    assert len(merged) == 80
    np.testing.assert_array_equal(merged["s_x"], merged["s_y"])
