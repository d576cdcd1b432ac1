"""Grids: stacked runs equal runs one by one, choices follow from records."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.noisy_tuning.conftest import make_config
from tst.core.errors import UserError
from tst.noisy import COMMAND
from tst.noisy_tuning import measurement
from tst.noisy_tuning.choice import CHOOSING_SEEDS, Variant, choose
from tst.noisy_tuning.data import load_pairs
from tst.noisy_tuning.experiment import run, run_grid
from tst.noisy_tuning.grid import expand
from tst.noisy_tuning.grid_settings import ContenderSettings, GridSettings
from tst.noisy_tuning.record import setting_hash, study_hash
from tst.noisy_tuning.settings import CorruptionSettings, FilterSettings, find_problems
from tst.optimizers.settings import OptimizerSettings
from tst.records.files import read_json

CASMO = OptimizerSettings("casmo", {"betas": [0.9, 0.99], "rho": 1.0})
CONTENDERS = {
    "adamw": ContenderSettings(),
    "adamw_smoothed": ContenderSettings(label_smoothing=0.2),
    "adamw_filtered": ContenderSettings(filter_shares=[0.25]),
    "casmo": ContenderSettings(CASMO),
}


def grid_config(root, contenders=CONTENDERS, rates=(1e-3, 1e-2), steps=6, **changes):
    config = make_config(root, "adamw")
    config.schedule = replace(config.schedule, kind="plain", steps=steps)
    config.grid = GridSettings(dict(contenders), list(rates), **changes)
    return config


def tables(result, name):
    return pd.read_parquet(result.record / f"{name}.parquet")


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The same grid, stacked and one by one."""
    return {
        mode: run_grid(grid_config(tmp_path_factory.mktemp(mode), training=mode))
        for mode in ("stacked", "sequential")
    }


def test_stacked_runs_are_the_runs_one_by_one(both):
    assert [r.record.name for r in both["stacked"]] == [r.record.name for r in both["sequential"]]
    assert len(both["stacked"]) == 8
    for stacked, alone in zip(both["stacked"], both["sequential"], strict=True):
        assert stacked.summary["cost"]["runs_at_once"] == 8
        assert alone.summary["cost"]["runs_at_once"] == 1
        signals = ["loss", "confidence", "agar", "grad_norm"]
        for name, columns, atol in (
            ("steps", signals, 1e-4),
            ("curve", ["held_out", "memorised"], 1e-5),
            ("pairs", ["before", "after"], 1e-5),
            ("pair_scores", ["prompt_gain", "loss_before", "loss_drop", "confidence"], 1e-4),
        ):
            one, other = (tables(r, name) for r in (stacked, alone))
            np.testing.assert_allclose(one[columns], other[columns], rtol=1e-4, atol=atol)
        assert tables(stacked, "steps")["rows"].map(list).tolist() == (
            tables(alone, "steps")["rows"].map(list).tolist()
        )


def test_contenders_and_rates_train_differently(both):
    """Equality of stacked and sequential would mean nothing if all runs were alike."""
    after = np.array([tables(r, "pairs")["after"] for r in both["stacked"]])
    gaps = np.abs(after[:, None] - after[None]).max(axis=2)
    assert gaps[~np.eye(len(after), dtype=bool)].min() > 1e-4


def test_the_calibrated_package_is_the_same_stacked(tmp_path):
    pytest.importorskip("casmo")
    package = OptimizerSettings("casmo_calibrated", {"tau_init_steps": 50})
    contenders = {"adamw": ContenderSettings(), "calibrated": ContenderSettings(package)}
    stacked, alone = (
        run_grid(grid_config(tmp_path / mode, contenders, (1e-2,), 54, training=mode))[1]
        for mode in ("stacked", "sequential")
    )
    steps, other = tables(stacked, "steps"), tables(alone, "steps")
    assert steps["confidence"].notna().sum() == 5
    np.testing.assert_allclose(steps["confidence"], other["confidence"], rtol=1e-3)
    scores, others = (tables(r, "pair_scores")["confidence"] for r in (stacked, alone))
    assert scores.nunique() > 10
    np.testing.assert_allclose(scores, others, rtol=1e-3)


def test_a_run_of_a_grid_has_the_record_that_it_has_alone(both, tmp_path):
    config = grid_config(tmp_path)
    alone = make_config(tmp_path, "adamw")
    alone.schedule, alone.optimizer = config.schedule, CASMO
    alone.training.learning_rate = 1e-2
    assert run(alone).record.name == both["stacked"][-1].record.name


def test_fewer_runs_at_once_change_nothing(both, tmp_path):
    results = run_grid(grid_config(tmp_path, training="stacked", at_once=3))
    assert [r.summary["cost"]["runs_at_once"] for r in results] == [3, 3, 3, 3, 3, 3, 2, 2]
    for few, many in zip(results, both["stacked"], strict=True):
        np.testing.assert_allclose(
            tables(few, "pairs")["after"], tables(many, "pairs")["after"], atol=1e-5
        )


def test_what_saves_memory_changes_nothing_in_a_stack(both, tmp_path):
    config = grid_config(tmp_path, training="stacked")
    config.training = replace(config.training, micro_batch=4, checkpointing=True)
    for saving, plain in zip(run_grid(config), both["stacked"], strict=True):
        assert saving.summary["cost"]["checkpointing"] == 1
        for name, columns in (("steps", ["loss", "confidence"]), ("pair_scores", ["confidence"])):
            one, other = (tables(r, name)[columns] for r in (saving, plain))
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


def test_a_stack_that_does_not_fit_is_made_smaller_and_nothing_is_lost(both, tmp_path, monkeypatch):
    at_once = []
    once = measurement._train

    def fit_three(config, plans, bench, memory):
        at_once.append((len(plans), memory.micro_batch))
        if len(plans) * memory.micro_batch > 3:
            raise torch.OutOfMemoryError
        return once(config, plans, bench, memory)

    monkeypatch.setattr(measurement, "_train", fit_three)
    results = run_grid(grid_config(tmp_path, training="stacked"))
    assert at_once == [(8, 6), (8, 3), (8, 2), (8, 1), (4, 1), (2, 1), (2, 1), (2, 1), (2, 1)]
    for small, whole in zip(results, both["stacked"], strict=True):
        np.testing.assert_allclose(
            tables(small, "pairs")["after"], tables(whole, "pairs")["after"], atol=1e-5
        )


def test_a_stack_trains_a_base_in_bfloat16(tmp_path):
    contenders = {name: CONTENDERS[name] for name in ("adamw", "casmo")}
    config = grid_config(tmp_path, contenders, training="stacked")
    config.model = replace(config.model, dtype="bfloat16")
    for result in run_grid(config):
        assert np.isfinite(tables(result, "steps")["loss"]).all()
        memorisation = result.summary["memorisation"]
        assert memorisation["train_clean_after"] < memorisation["train_clean_before"]


def test_a_finished_grid_is_not_run_again_and_a_missing_run_alone_is(both, tmp_path, monkeypatch):
    config = grid_config(tmp_path, {"adamw": ContenderSettings()}, training="stacked")
    first = run_grid(config)
    (first[1].record / "steps.parquet").write_bytes(b"torn")
    trained = []
    once = measurement._train
    monkeypatch.setattr(measurement, "_train", lambda *a: trained.append(len(a[1])) or once(*a))
    again = run_grid(config)
    assert trained == [1] and [r.record for r in again] == [r.record for r in first]
    monkeypatch.setattr(measurement, "load_base", None)  # would fail
    assert all(r.summary for r in run_grid(config))


def test_a_run_that_fails_does_not_keep_the_others_from_ending(tmp_path, monkeypatch):
    once = measurement.trained

    def fail_for_the_first(base, plan, *rest):
        if plan.training.learning_rate == 1e-3:
            raise ZeroDivisionError
        return once(base, plan, *rest)

    monkeypatch.setattr(measurement, "trained", fail_for_the_first)
    config = grid_config(tmp_path, {"adamw": ContenderSettings()}, training="sequential")
    with pytest.raises(ZeroDivisionError):
        run_grid(config)
    states = sorted(read_json(p)["state"] for p in tmp_path.glob("noisy/*/*/*/*/status.json"))
    assert states == ["failed", "finished"]


@pytest.mark.parametrize("score", ["loss_before", "prompt_gain"])
def test_a_filter_leaves_out_the_most_suspicious_pairs_and_never_reads_the_flag(tmp_path, score):
    contender = ContenderSettings(filter_shares=[0.25], filter_score=score)
    config = grid_config(tmp_path, {"filtered": contender}, (1e-2,), 40)
    (result,) = run_grid(config)
    used = {row for rows in tables(result, "steps")["rows"] for row in rows}
    scores = tables(result, "pair_scores")
    n = result.summary["data"]["train"]
    assert len(scores) == n == 48
    sign = -1 if score == "loss_before" else 1
    left_out = set(np.argsort(sign * scores[score])[: round(0.25 * n)])
    assert used == set(range(n)) - left_out
    assert result.summary["data"]["trained_on"] == 36
    assert result.summary["run"]["optimizer"] == (
        "adamw, filtered by " + {"loss_before": "loss", "prompt_gain": "prompt gain"}[score]
    )


def test_a_filter_that_leaves_too_few_pairs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, "load_base", None)
    config = make_config(tmp_path, "adamw", filter=FilterSettings(0.9))
    config.schedule = replace(config.schedule, kind="plain")
    with pytest.raises(UserError, match=r"filter.share=0.9 leaves 5 of 48 training pairs"):
        run(config)


def test_label_smoothing_changes_what_is_trained_and_not_what_is_recorded(both):
    plain, smoothed = both["sequential"][1], both["sequential"][3]
    assert smoothed.summary["run"]["optimizer"] == "adamw, smoothed 0.2"
    first = [tables(r, "steps")["loss"][0] for r in (plain, smoothed)]
    assert first[0] == pytest.approx(first[1])  # before the first update both are cross-entropy
    norms = [tables(r, "steps")["grad_norm"][0] for r in (plain, smoothed)]
    assert norms[0] != pytest.approx(norms[1], rel=1e-3)


def test_runs_that_differ_in_contender_and_rate_are_of_one_setting(tmp_path):
    config = grid_config(tmp_path)
    table = load_pairs(config.data, config.seed)
    runs = expand(config)
    assert len({setting_hash(r, table) for r in runs}) == 1
    other = replace(config, corruption=CorruptionSettings("random", 0.5))
    assert setting_hash(other, table) != setting_hash(config, table)
    assert study_hash(other, table) == study_hash(config, table)


def test_the_lowest_mean_loss_of_both_seeds_is_chosen():
    low, high = Variant(1e-4), Variant(2e-4)
    assert choose({low: {10: 1.0, 11: 3.0}, high: {10: 1.5, 11: 1.5}}) == high
    assert choose({low: {10: 1.0, 11: 1.0}, high: {10: 0.5, 11: float("nan")}}) == low
    assert choose({low: {10: 1.0, 11: 1.0}, high: {11: 0.5}}) == low
    assert choose({high: {10: 1.0, 11: 1.0}, low: {10: 1.0, 11: 1.0}}) == low
    assert choose({low: {10: 1.0, 0: 0.1}}) is None


def test_chosen_rates_come_from_the_records_of_the_choosing_runs(tmp_path):
    contenders = {"adamw": CONTENDERS["adamw"], "casmo": CONTENDERS["casmo"]}

    def config(seed, **changes):
        made = grid_config(tmp_path, contenders, **changes)
        return replace(made, seed=seed)

    chosen = config(0, take="chosen")
    chosen.schedule = replace(chosen.schedule, kind="probe")
    with pytest.raises(UserError, match=r"4 of the 4 runs that choose.*seed=10,11"):
        run_grid(chosen)
    for seed in CHOOSING_SEEDS:
        run_grid(config(seed, training="stacked"))
    for summary in tmp_path.glob("noisy/*/adamw*/shuffled-plain/*/summary.json"):
        known = json.loads(summary.read_text())
        best = known["run"]["learning_rate"] == 1e-3
        known["memorisation"]["held_out_after"] = 1.0 if best else 2.0
        summary.write_text(json.dumps(known))
    results = run_grid(chosen)
    assert [r.summary["run"]["optimizer"].split()[0] for r in results] == ["adamw", "casmo"]
    assert results[0].summary["run"]["learning_rate"] == 1e-3
    assert results[0].summary["run"]["schedule"] == "probe"


def test_a_run_that_is_named_twice_is_made_once(tmp_path):
    again = {
        "adamw": ContenderSettings(),
        "same": ContenderSettings(),
        "casmo": CONTENDERS["casmo"],
    }
    config = grid_config(tmp_path, again, rates=(1e-3, 1e-2, 1e-3))
    made = [(one.optimizer.name, one.training.learning_rate) for one in expand(config)]
    assert made == [("adamw", 1e-3), ("adamw", 1e-2), ("casmo", 1e-3), ("casmo", 1e-2)]


def test_a_probe_schedule_has_no_filter(tmp_path, caplog):
    config = grid_config(tmp_path)
    config.schedule = replace(config.schedule, kind="probe")
    assert {r.filter.share for r in expand(config)} == {0.0} and len(expand(config)) == 6
    alone = make_config(tmp_path, "adamw", filter=FilterSettings(0.2))
    (problem,) = find_problems(alone)
    assert "filter.share=0.2: schedule.kind=probe" in problem


def test_the_grids_of_the_command_line_have_six_contenders_and_five_rates():
    config = COMMAND.compose(["grid=all"])
    runs = expand(config)
    assert len(runs) == 5 * (4 + 2 * 5)
    assert {r.training.learning_rate for r in runs} == {5e-5, 1e-4, 2e-4, 4e-4, 8e-4}
    assert COMMAND.compose(["grid=chosen"]).grid == replace(config.grid, take="chosen")
    fewer = COMMAND.compose(["grid=all", "~grid.contenders.adamw_filtered"])
    assert len(expand(fewer)) == 45
    for name in ("casmo", "casmo_calibrated"):
        alone = COMMAND.compose([f"optimizer={name}"]).optimizer
        assert config.grid.contenders[name].optimizer == alone
    with pytest.raises(UserError, match=r"grid.learning_rates is empty"):
        COMMAND.compose(["grid=all", "grid.learning_rates=[]"])
    with pytest.raises(UserError, match="learning rates above 0"):
        COMMAND.compose(["grid=all", "grid.learning_rates=[0]"])
    assert Path("conf/grid/all.yaml").exists()
