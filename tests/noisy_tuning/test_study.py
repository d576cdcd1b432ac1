"""Runs of several optimizers and seeds put together: figures, tables, the two commands."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from rich.console import Console

from tests.commands import run_here
from tests.noisy_tuning.conftest import make_config
from tst.analysis.experiments import find_experiments
from tst.analysis.figures.build import draw_all
from tst.analysis.figures.noisy import FIGURES
from tst.analysis.figures.style import save_figure
from tst.analysis.noisy_comparison import compare
from tst.analysis.noisy_groups import group_runs, group_variants
from tst.analysis.noisy_sentences import describe
from tst.cli.noisy_console import show_comparison
from tst.diagnostics.llm.settings import OptimizerSettings
from tst.noisy_study import NoisyStudyConfig, study
from tst.noisy_tuning.data import load_pairs
from tst.noisy_tuning.experiment import run
from tst.noisy_tuning.record import setting_hash
from tst.noisy_tuning.settings import CorruptionSettings, TrainingSettings
from tst.noisy_tuning.summary import optimizer_label
from tst.optimizers.settings import PARAMETERS
from tst.records.kinds import NOISY_TUNING


def test_runs_are_compared_over_seeds(root):
    experiments, unusable = find_experiments(root, NOISY_TUNING)
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
    grouped = group_variants(experiments)
    sentences = describe(setting, runs, grouped.fronts(setting)).splitlines()
    assert [s.partition(":")[0] for s in sentences[-3:]] == [
        "robustness", "efficiency", "detection",
    ]  # fmt: skip
    assert "[" in sentences[-3] and "of 2 seeds" in sentences[-2] and "[" in sentences[-1]


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
    experiments, _ = find_experiments(root, NOISY_TUNING)
    first, *rest = experiments
    old = replace(first, summary={**first.summary, "run": {**first.summary["run"], "version": 1}})
    for given, note in (([old, *rest], "version"), ([first, *experiments], "more than once")):
        (runs,), (said,) = group_runs(given)[0].values(), group_runs(given)[1]
        assert sum(len(by_seed) for by_seed in runs.values()) == 3
        assert str(first.path) in said and note in said


def test_figures_are_drawn_and_saved(root, tmp_path):
    experiments, _ = find_experiments(root, NOISY_TUNING)
    ((setting, runs),) = group_runs(experiments)[0].items()
    for name, draw in FIGURES.items():
        for chosen in (runs, {"adamw": runs["adamw"]}):
            for form, start in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
                save_figure(draw(chosen), tmp_path / f"{name}.{form}")
                assert (tmp_path / f"{name}.{form}").read_bytes().startswith(start)
    drawn = draw_all(root)
    assert {name for name in drawn if name.startswith("noisy-")} == {
        f"noisy-{setting.slug}-{name}" for name in (*FIGURES, "fronts")
    }


def test_runs_without_corruption_and_runs_that_diverged_are_shown_too(tmp_path, capsys):
    for optimizer in ("adamw", "casmo"):
        config = make_config(tmp_path, optimizer)
        config.corruption.kind, config.schedule.kind = "none", "plain"
        run(config)
        config.corruption.kind = "shuffled"
        if optimizer == "casmo":
            config.training.learning_rate = 1e30
        run(config)
    folder = tmp_path / "study"
    study(NoisyStudyConfig(str(tmp_path), str(folder), ["png"]))
    drawn = sorted(path.stem.rpartition("-")[2] for path in folder.glob("*-none-*.png"))
    assert drawn == ["confidence", "losses", "memorisation"]  # nothing corrupted: no fronts
    assert len(list(folder.glob("*-shuffled-*.png"))) == 4
    (diverged,) = tmp_path.glob("noisy/*/casmo-*/shuffled-*/*/summary.json")
    assert json.loads(diverged.read_text())["memorisation"]["held_out_after"] is None
    said = capsys.readouterr().out
    assert "casmo reaches adamw's best held-out clean loss with 0 of 1 seeds" in said


def test_a_comparison_is_shown_with_its_intervals(root):
    experiments, _ = find_experiments(root, NOISY_TUNING)
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
    tiny = ("model=tiny", "data.n=60", "data.held_out=12", "schedule.steps=3")
    tiny += ("schedule.batch_size=4", "evaluation.pairs=4", "device=cpu",
             f"outputs_root={tmp_path}")  # fmt: skip
    sweep = run_here("tst.noisy", "-m", "optimizer=adamw,casmo", "seed=0,1", *tiny)
    assert sweep.returncode == 0, sweep.stderr
    assert sweep.stdout.count("record: ") == 4
    study = run_here("tst.noisy_study", f"outputs_root={tmp_path}")
    assert study.returncode == 0 and "robustness: at " in study.stdout
    assert len(list((tmp_path / "noisy_study").glob("*.pdf"))) == 5
    assert "all settings" in study.stdout and "shuffled 30%, plain" in study.stdout
    written = pd.read_csv(tmp_path / "noisy_study" / "overview.csv")
    assert written[["optimizer", "seeds"]].to_numpy().tolist() == [["casmo", 2]]
    tables = run_here("tst.tables", f"outputs_root={tmp_path}", "tables=[noisy]")
    assert tables.returncode == 0 and "4 of 4 records" in tables.stdout
    wrong = run_here("tst.noisy", "schedule.kind=zigzag", *tiny)
    assert wrong.returncode == 2 and "expected one of plain, probe" in wrong.stderr
    assert "Traceback" not in wrong.stderr
