"""Whole runs on a tiny model: records, resume, identity."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.noisy_tuning.conftest import make_config
from tst.analysis.experiments import find_experiments
from tst.config.schema import to_plain
from tst.core.errors import UserError
from tst.noisy_tuning import measurement
from tst.noisy_tuning.data import load_pairs
from tst.noisy_tuning.experiment import prepare, run
from tst.noisy_tuning.record import (
    EXCLUDED,
    INCLUDED,
    identify,
    record_folder,
)
from tst.noisy_tuning.settings import (
    CorruptionSettings,
    DataSettings,
    NoisyConfig,
    TrainingSettings,
)
from tst.noisy_tuning.training import trained
from tst.records.files import read_json
from tst.records.identity import flatten, matches
from tst.records.kinds import NOISY_TUNING
from tst.records.leases import Leases


def test_the_record_holds_steps_pairs_curve_and_summary(root):
    result = run(make_config(root))
    steps = pd.read_parquet(result.record / "steps.parquet")
    assert steps["step"].tolist() == list(range(6))
    assert set(steps["kind"]) == {"clean", "corrupted", "mixed"}
    assert (steps.loc[steps["kind"] == "corrupted", "share"] == 1).all()
    pairs = pd.read_parquet(result.record / "pairs.parquet")
    assert pairs["part"].value_counts().to_dict() == {
        "train_clean": 8, "train_corrupted": 8, "held_out": 8, "corrupted_truth": 8,
        "held_out_corrupted": 8,
    }  # fmt: skip
    curve = pd.read_parquet(result.record / "curve.parquet")
    assert curve["step"].tolist() == [0, 3, 6]
    summary = result.summary
    assert summary == read_json(result.record / "summary.json")
    held_out = pairs[pairs["part"] == "held_out"]
    assert summary["memorisation"]["held_out_after"] == pytest.approx(held_out["after"].mean())
    assert curve["held_out"].iloc[-1] == pytest.approx(held_out["after"].mean())
    assert 0 <= summary["detection"]["confidence"]["auroc"] <= 1
    assert summary["data"] | {"train": 48, "corrupted": 14, "held_out": 12} == summary["data"]
    assert summary["cost"]["step_seconds"] > summary["cost"]["optimizer_seconds"] > 0
    assert read_json(result.record / "status.json")["state"] == "finished"


def test_a_finished_run_is_not_run_again(root, monkeypatch):
    monkeypatch.setattr(measurement, "load_base", None)  # would fail
    assert run(make_config(root)).summary["run"]["optimizer"] == "casmo"


def test_a_damaged_record_is_computed_again(root, tmp_path):
    config = make_config(tmp_path)
    record = run(config).record
    (record / "steps.parquet").write_bytes(b"torn")
    assert run(config).record == record
    assert len(pd.read_parquet(record / "steps.parquet")) == 6


def test_a_failed_run_leaves_its_traceback_and_can_be_repeated(tmp_path, monkeypatch):
    config = make_config(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(measurement, "trained", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(config)
    (status,) = tmp_path.glob("noisy/*/*/*/*/status.json")
    assert "ZeroDivisionError" in read_json(status)["traceback"]
    assert run(config).summary is not None


def test_a_run_that_another_process_finished_meanwhile_is_not_run_again(tmp_path, monkeypatch):
    config, take = make_config(tmp_path), Leases.take
    written = {}

    def finish_first(leases, name):
        monkeypatch.setattr(Leases, "take", take)
        other = run(config).record  # between this process's check and its lease
        written.update({p: p.stat().st_mtime_ns for p in other.iterdir() if p.is_file()})
        return take(leases, name)

    monkeypatch.setattr(Leases, "take", finish_first)
    assert run(config).summary is not None
    assert written
    assert written == {p: p.stat().st_mtime_ns for p in written}


def test_a_holder_that_has_just_let_go_is_no_error(tmp_path, monkeypatch):
    config, take = make_config(tmp_path), Leases.take

    def too_late(leases, name):
        monkeypatch.setattr(Leases, "take", take)
        return False  # the lease was held, and is free by the time anyone asks by whom

    monkeypatch.setattr(Leases, "take", too_late)
    assert run(config).summary is not None


def test_a_run_that_another_process_computes_is_left_to_it(tmp_path):
    config = make_config(tmp_path)
    record = record_folder(config, load_pairs(config.data, config.seed))
    other = Leases(record / "leases")
    assert other.take("whole.json")
    result = run(config)
    other.close()
    assert (result.record, result.summary) == (record.resolve(), None)
    assert not (record / "status.json").exists()


def test_repeated_runs_give_the_same_numbers(root, tmp_path):
    again, first = run(make_config(tmp_path)), run(make_config(root))
    assert again.record.name == first.record.name
    columns = ["loss", "confidence", "agar", "grad_norm"]
    one, two = (pd.read_parquet(r.record / "steps.parquet") for r in (again, first))
    np.testing.assert_array_equal(one[columns], two[columns])


def test_every_optimizer_of_a_seed_sees_the_same_rows(root):
    experiments, _ = find_experiments(root, NOISY_TUNING)
    rows = {
        (e.summary["run"]["optimizer"], e.summary["run"]["seed"]): pd.read_parquet(
            e.path / "steps.parquet"
        )["rows"].map(tuple)
        for e in experiments
    }
    assert rows["adamw", 0].equals(rows["casmo", 0])
    assert not rows["casmo", 0].equals(rows["casmo", 1])


def test_adamw_has_no_confidence_and_says_so(root):
    summary = run(make_config(root, "adamw")).summary
    confidence = summary["detection"]["confidence"]
    assert confidence["auroc"] is None
    assert confidence["reason"] == "this optimizer has no confidence in these steps"
    assert summary["detection"]["loss"]["auroc"] is not None


def test_every_setting_is_in_exactly_one_identity_list():
    for path in flatten(to_plain(NoisyConfig())):
        known = [*INCLUDED, *EXCLUDED]
        assert any(matches(path, prefix) for prefix in known), f"{path} is in neither list"
    assert not set(INCLUDED) & EXCLUDED.keys()


@pytest.mark.parametrize(
    ("path", "decides"),
    [
        ("seed", True),
        ("training.learning_rate", True),
        ("training.micro_batch", False),
        ("data.path", False),
        ("data.held_out", True),
        ("optimizer.params.rho", True),
        ("model.name", True),
        ("model.device_map", False),
        ("device", False),
    ],
)
def test_what_decides_a_number_decides_the_identity(tmp_path, path, decides):
    config = make_config(tmp_path)
    config.optimizer.params = {"rho": 0.5}
    leaves = identify(config, load_pairs(config.data, 0)).leaves
    assert (path in leaves) == decides


def test_the_pairs_decide_the_identity_and_their_path_does_not(tmp_path):
    config = make_config(tmp_path)
    table, other = load_pairs(config.data, 0), load_pairs(DataSettings(n=61, held_out=12), 0)
    assert record_folder(config, table) == record_folder(config, table)
    assert record_folder(config, table).name != record_folder(config, other).name


def test_bad_configs_are_refused_before_a_model_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, "load_base", None)
    with pytest.raises(UserError, match=r"corruption.share=0.*\n.*schedule.kind"):
        config = make_config(tmp_path, corruption=CorruptionSettings(share=0.0))
        config.schedule.kind = "zigzag"
        run(config)
    with pytest.raises(UserError, match="rejected response"):
        run(make_config(tmp_path, corruption=CorruptionSettings("rejected")))


def test_measured_pairs_are_of_their_part(tmp_path):
    config = make_config(tmp_path)
    materials = prepare(config, load_pairs(config.data, config.seed))
    flags = materials.train["corrupted"].to_numpy()
    assert not flags[materials.measured["train_clean"]].any()
    assert flags[materials.measured["train_corrupted"]].all()
    true = materials.heldout.set_index("source_row")["response"]
    heldout_corrupted = materials.heldout_corrupted.set_index("source_row")["response"]
    assert (
        len(heldout_corrupted) == 12 and (heldout_corrupted != true[heldout_corrupted.index]).all()
    )


def test_a_retry_measures_its_own_peak(tmp_path, monkeypatch):
    calls = []

    def fail_once(*arguments):
        calls.append("attempt")
        if calls.count("attempt") == 1:
            raise torch.OutOfMemoryError
        return trained(*arguments)

    monkeypatch.setattr(measurement, "trained", fail_once)
    monkeypatch.setattr(measurement, "reset_peak", lambda device: calls.append("reset"))
    cost = run(make_config(tmp_path)).summary["cost"]
    assert calls == ["reset", "attempt"] * 2
    assert cost["peak_memory_bytes"] is None  # a CPU has that of the whole process alone


def test_checkpointing_reaches_the_run(tmp_path):
    config = make_config(tmp_path, "adamw", training=TrainingSettings(checkpointing=True))
    cost = run(config).summary["cost"]
    assert cost["checkpointing"] == 1.0
    assert cost["micro_batch"] == 6
