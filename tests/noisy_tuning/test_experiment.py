"""Whole runs on a tiny model: records, resume, identity, comparison, command."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from rich.console import Console

from tst.diagnostics.llm.settings import ModelSettings, OptimizerSettings
from tst.drawing.style import save_figure
from tst.errors import UserError
from tst.figures import draw_all
from tst.noisy_tuning import experiment
from tst.noisy_tuning.data import load_pairs
from tst.noisy_tuning.experiment import prepare, run
from tst.noisy_tuning.figures import FIGURES
from tst.noisy_tuning.record import (
    EXCLUDED,
    INCLUDED,
    is_identity,
    record_folder,
    setting_hash,
    to_plain,
)
from tst.noisy_tuning.settings import (
    CorruptionSettings,
    DataSettings,
    EvaluationSettings,
    NoisyConfig,
    ScheduleSettings,
    TrainingSettings,
)
from tst.noisy_tuning.showing import show_comparison
from tst.noisy_tuning.study import compare, group_runs, judge
from tst.noisy_tuning.summary import optimizer_label
from tst.noisy_tuning.training import trained
from tst.optimizers.settings import PARAMETERS
from tst.reading.experiments import NOISY, find_experiments
from tst.records.files import read_json
from tst.records.identity import flatten, matches


def make_config(root, optimizer="casmo", seed=0, **changes):
    return NoisyConfig(
        data=DataSettings(n=60, held_out=12),
        schedule=ScheduleSettings("probe", 6, 6),
        optimizer=OptimizerSettings(optimizer),
        model=ModelSettings("tiny", quantization="none"),
        evaluation=EvaluationSettings(8, 3),
        seed=seed,
        outputs_root=str(root),
        device="cpu",
        **changes,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two optimizers, two seeds."""
    folder = tmp_path_factory.mktemp("outputs")
    for optimizer in ("adamw", "casmo"):
        for seed in (0, 1):
            run(make_config(folder, optimizer, seed))
    return folder


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
    monkeypatch.setattr(experiment, "load_base", None)  # would fail
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
        broken.setattr(experiment, "trained", lambda *a: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(config)
    (status,) = tmp_path.glob("noisy/*/*/*/*/status.json")
    assert "ZeroDivisionError" in read_json(status)["traceback"]
    assert run(config).summary is not None


def test_repeated_runs_give_the_same_numbers(root, tmp_path):
    again, first = run(make_config(tmp_path)), run(make_config(root))
    assert again.record.name == first.record.name
    columns = ["loss", "confidence", "agar", "grad_norm"]
    one, two = (pd.read_parquet(r.record / "steps.parquet") for r in (again, first))
    np.testing.assert_array_equal(one[columns], two[columns])


def test_every_optimizer_of_a_seed_sees_the_same_rows(root):
    experiments, _ = find_experiments(root, NOISY)
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
def test_what_decides_a_number_decides_the_identity(path, decides):
    assert is_identity(path) == decides


def test_the_pairs_decide_the_identity_and_their_path_does_not(tmp_path):
    config = make_config(tmp_path)
    table, other = load_pairs(config.data, 0), load_pairs(DataSettings(n=61, held_out=12), 0)
    assert record_folder(config, table) == record_folder(config, table)
    assert record_folder(config, table).name != record_folder(config, other).name


def test_bad_configs_are_refused_before_a_model_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "load_base", None)
    with pytest.raises(UserError, match=r"corruption.share=0.*\n.*schedule.kind"):
        config = make_config(tmp_path, corruption=CorruptionSettings(share=0.0))
        config.schedule.kind = "zigzag"
        run(config)
    with pytest.raises(UserError, match="rejected response"):
        run(make_config(tmp_path, corruption=CorruptionSettings("rejected")))


def test_measured_pairs_are_of_their_part(tmp_path):
    materials = prepare(make_config(tmp_path))
    flags = materials.train["corrupted"].to_numpy()
    assert not flags[materials.measured["train_clean"]].any()
    assert flags[materials.measured["train_corrupted"]].all()
    true = materials.heldout.set_index("source_row")["response"]
    misled = materials.misled.set_index("source_row")["response"]
    assert len(misled) == 12 and (misled != true[misled.index]).all()


def test_runs_are_compared_over_seeds(root):
    experiments, unusable = find_experiments(root, NOISY)
    assert unusable == []
    ((setting, runs),) = group_runs(experiments)[0].items()
    assert str(setting).startswith("generated, tiny, shuffled 30%, probe, 6 steps of 6")
    table = compare(runs).set_index(["measure", "optimizer"])
    row = table.loc[("memorised", "casmo")]
    mine = [runs["casmo"][s].summary["memorisation"]["memorised"] for s in (0, 1)]
    theirs = [runs["adamw"][s].summary["memorisation"]["memorised"] for s in (0, 1)]
    assert row["mean"] == pytest.approx(np.mean(mine))
    assert row["difference"] == pytest.approx(np.mean(mine) - np.mean(theirs))
    assert math.isnan(table.loc[("confidence AUROC", "adamw"), "mean"])
    assert len(judge(runs, "casmo")) == 3


def test_only_runs_that_differ_in_optimizer_and_seed_are_put_together(root):
    def setting(config):
        return setting_hash(config, load_pairs(config.data, config.seed))

    config = make_config(root)
    assert setting(config) == setting(make_config(root, "adamw", 1))
    others = [make_config(root, corruption=CorruptionSettings(share=0.4))]
    others += [make_config(root, training=TrainingSettings(dropout=0.0)), make_config(root)]
    others[-1].data.n = 61
    assert len({setting(c) for c in (config, *others)}) == 4


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_label_names_the_parameters_that_are_not_as_configured(name):
    params = yaml.safe_load(Path(f"conf/optimizer/{name}.yaml").read_text())["params"]
    assert optimizer_label(OptimizerSettings(name, params)) == name
    other = {**params, "betas": [0.9, 0.95]}
    assert optimizer_label(OptimizerSettings(name, other)) == f"{name} betas=[0.9, 0.95]"


def test_twice_the_same_seed_or_another_version_is_left_out_and_named(root):
    experiments, _ = find_experiments(root, NOISY)
    first, *rest = experiments
    old = replace(first, summary={**first.summary, "run": {**first.summary["run"], "version": 1}})
    for given, note in (([old, *rest], "version"), ([first, *experiments], "more than once")):
        (runs,), (said,) = group_runs(given)[0].values(), group_runs(given)[1]
        assert sum(len(by_seed) for by_seed in runs.values()) == 3
        assert str(first.path) in said and note in said


def test_a_retry_measures_its_own_peak(tmp_path, monkeypatch):
    calls = []

    def fail_once(*arguments):
        calls.append("attempt")
        if calls.count("attempt") == 1:
            raise torch.OutOfMemoryError
        return trained(*arguments)

    monkeypatch.setattr(experiment, "trained", fail_once)
    monkeypatch.setattr(experiment, "reset_peak", lambda device: calls.append("reset"))
    cost = run(make_config(tmp_path)).summary["cost"]
    assert calls == ["reset", "attempt"] * 2
    assert cost["peak_memory_bytes"] is None  # a CPU has that of the whole process alone


def test_figures_are_drawn_and_saved(root, tmp_path):
    experiments, _ = find_experiments(root, NOISY)
    ((setting, runs),) = group_runs(experiments)[0].items()
    for name, draw in FIGURES.items():
        for chosen in (runs, {"adamw": runs["adamw"]}):
            for form, start in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
                save_figure(draw(chosen), tmp_path / f"{name}.{form}")
                assert (tmp_path / f"{name}.{form}").read_bytes().startswith(start)
    drawn = draw_all(root)
    assert {name for name in drawn if name.startswith("noisy-")} == {
        f"noisy-{setting.slug}-{name}" for name in FIGURES
    }


def test_a_comparison_is_shown_with_its_intervals(root):
    experiments, _ = find_experiments(root, NOISY)
    ((_, runs),) = group_runs(experiments)[0].items()
    console = Console(record=True, width=110)
    table = compare(runs)
    # as if every seed agreed on it
    table.loc[table["measure"] == "memorised", ["difference_low", "difference_high"]] = (0.1, 0.2)
    show_comparison(table, console)
    text = console.export_text()
    (memorised,) = [line for line in text.splitlines() if line.startswith("memorised")]
    assert memorised.rstrip().endswith("*") and "[" in memorised
    assert "differs from AdamW" in text


@pytest.mark.slow
def test_the_command_sweeps_and_the_study_reads_it(tmp_path):
    def command(module, *overrides):
        return subprocess.run(
            [sys.executable, "-m", module, *overrides, f"outputs_root={tmp_path}"],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    tiny = ("model=tiny", "data.n=60", "data.held_out=12", "schedule.steps=3")
    tiny += ("schedule.batch_size=4", "evaluation.pairs=4", "device=cpu")
    sweep = command("tst.noisy", "-m", "optimizer=adamw,casmo", "seed=0,1", *tiny)
    assert sweep.returncode == 0, sweep.stderr
    assert sweep.stdout.count("record: ") == 4
    study = command("tst.noisy_study")
    assert study.returncode == 0 and "memorised: casmo" in study.stdout
    assert len(list((tmp_path / "noisy_study").glob("*.pdf"))) == 3
    wrong = command("tst.noisy", "schedule.kind=zigzag", *tiny)
    assert wrong.returncode == 2 and "expected one of plain, probe" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_checkpointing_reaches_the_run(tmp_path):
    config = make_config(tmp_path, "adamw", training=TrainingSettings(checkpointing=True))
    cost = run(config).summary["cost"]
    assert cost["checkpointing"] == 1.0
    assert cost["micro_batch"] == 6
