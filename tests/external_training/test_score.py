"""Adapters that plain PEFT trained on an export, scored into records."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file, save_file

from tests.external_training.conftest import train_fold
from tst import score
from tst.analysis.subjects import find_subjects
from tst.analysis.tables.build import build_tables, read_sources
from tst.analysis.tables.plain_text import render_markdown
from tst.core.errors import UserError
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.loading import free_base
from tst.diagnostics.llm.settings import LoraSettings
from tst.external_training.score import score_elsewhere
from tst.records.run_records import find_records, read_record
from tst.stress_testing.run import load_table, plan_for


def by_id(result) -> pd.DataFrame:
    return result.questions.set_index("id")


def test_the_record_is_one_like_any_other(trained, score_config, tmp_path):
    result = score_elsewhere(score_config(f"adapters={trained}"))
    assert result.complete
    record = read_record(result.record)
    assert record.label == "TsT-LLM, trained elsewhere" and record.model == "model"
    assert record.leaves["diagnostic.trainer"] == "llamafactory"
    assert len(record.leaves["diagnostic.adapters"]) == 12
    assert record.leaves["diagnostic.learning_rate"] == 0.01
    assert record.leaves["diagnostic.batch_size"] == 4 and record.leaves["diagnostic.r"] == 8
    assert result.questions["s"].between(0, 1).all() and len(result.questions) == 24
    assert result.questions["s_zero_shot"].notna().all()
    mc = result.questions[result.questions["format"] == "mc"]
    assert mc["letter_mass"].between(0, 1).all()
    numbers = result.questions[result.questions["format"] == "num"]
    assert numbers["parsed"].all()
    found = find_records(tmp_path / "out")
    assert [s.title for s in find_subjects(found.records)] == ["TsT-LLM, trained elsewhere (model)"]


def test_the_probabilities_are_those_of_the_adapter_read_by_our_own_diagnostic(
    trained, score_config, store_free_base
):
    config = score_config(f"adapters={trained}")
    result = score_elsewhere(config)
    table = load_table(config)
    plan = plan_for(config, table)
    ours = LoraLLMDiagnostic(
        LoraSettings(mc_scoring="letters"), config.model, config.optimizer, None, "cpu"
    )
    from tst.diagnostics.llm.scoring.fold_reading import FoldReading

    questions = by_id(result)
    for fold in (0, 1):
        folder = trained / "adapters" / f"0-{fold}"
        FoldReading.untrained().save(folder)
        heldout = table.frame.iloc[plan.heldout_rows(0, fold)]
        heldout = heldout[heldout["format"] == "mc"]
        for name, p in zip(heldout["id"], ours.rescore(heldout, folder).p_options, strict=True):
            recorded = json.loads(questions.loc[name, "p_options"])
            np.testing.assert_allclose(recorded, p, atol=1e-6)


@pytest.fixture
def store_free_base():
    free_base()
    yield
    free_base()


def test_a_second_time_joins_the_record_and_other_weights_make_another(trained, score_config):
    first = score_elsewhere(score_config(f"adapters={trained}"))
    assert score_elsewhere(score_config(f"adapters={trained}/adapters")).record == first.record
    train_fold(trained, "0-1", steps=1)
    assert score_elsewhere(score_config(f"adapters={trained}")).record != first.record


def test_checkpoints_and_other_names_of_folders_are_found(trained, score_config):
    whole = score_elsewhere(score_config(f"adapters={trained}"))
    adapters = trained / "adapters"
    late = adapters / "0-0" / "checkpoint-20"
    late.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (adapters / "0-0" / name).rename(late / name)
    shutil.copytree(late, adapters / "0-0" / "checkpoint-3")
    weights = load_file(adapters / "0-0" / "checkpoint-3" / "adapter_model.safetensors")
    save_file(
        {k: v * 0 for k, v in weights.items()},
        adapters / "0-0" / "checkpoint-3" / "adapter_model.safetensors",
    )
    (adapters / "0-1").rename(adapters / "fold_1")
    assert score_elsewhere(score_config(f"adapters={trained}")).record == whole.record
    shutil.copytree(adapters / "fold_1", adapters / "1")
    with pytest.raises(UserError, match="1 and fold_1 are both fold 0-1"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_without_a_manifest_the_record_and_its_tables_say_that_nothing_was_verified(
    trained, words, score_config, tmp_path
):
    moved = shutil.copytree(trained / "adapters", tmp_path / "loose" / "given")
    given = [w for w in words if not w.startswith("diagnostic")]
    result = score_elsewhere(score_config(f"adapters={moved}", *given))
    record = read_record(result.record)
    assert "not verified leak-free" in record.label
    assert record.leaves["diagnostic.manifest"] == ""
    assert record.leaves["diagnostic.learning_rate"] is None  # nothing tells
    assert record.leaves["diagnostic.r"] == 8
    (types,) = build_tables(read_sources(tmp_path / "out"), ["types"])
    text = render_markdown(types)
    assert "not verified leak-free" in text


def test_settings_come_from_yaml_and_json_and_folds_must_agree(trained, score_config):
    yaml_path = trained / "train-0-0.yaml"
    settings = yaml.safe_load(yaml_path.read_text())
    changed = settings | {"learning_rate": 0.02, "gradient_accumulation_steps": 2}
    for fold in "01":
        own = changed | {"dataset": f"train-0-{fold}"}
        (trained / f"train-0-{fold}.yaml").write_text(yaml.safe_dump(own))
        state = {"num_train_epochs": 3, "log_history": [{"step": 10, "epoch": 1.0, "loss": 1.5,
                                                          "learning_rate": 0.01}]}  # fmt: skip
        (trained / "adapters" / f"0-{fold}" / "trainer_state.json").write_text(json.dumps(state))
        results = {"train_runtime": 12.5, "train_loss": 1.25}
        (trained / "adapters" / f"0-{fold}" / "all_results.json").write_text(json.dumps(results))
    (trained / "adapters" / "versions.json").write_text(json.dumps({"llamafactory": "0.9.5"}))
    result = score_elsewhere(score_config(f"adapters={trained}"))
    leaves = read_record(result.record).leaves
    assert leaves["diagnostic.learning_rate"] == 0.02 and leaves["diagnostic.batch_size"] == 8
    assert leaves["diagnostic.epochs"] == 3.0
    assert leaves["diagnostic.trainer"] == "llamafactory 0.9.5"
    assert result.summary["cost"]["train_seconds"] == 25.0
    history = pd.read_parquet(result.record / "history" / "0-0.parquet")
    assert history["loss"].tolist() == [1.5] and history["step"].tolist() == [10]
    yaml_path.write_text(yaml.safe_dump(settings))
    with pytest.raises(UserError, match="folds 0-0 and 0-1 were trained with different settings"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_the_command_line_wins_over_the_manifest(trained, tmp_path, monkeypatch, capsys):
    line = ["tst.score", str(trained), f"outputs_root={tmp_path}/out", "device=cpu",
            "fold.only=[1]", "trainer=mine"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", line)
    with pytest.raises(SystemExit) as ended:
        score.main()
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "TsT-LLM, trained elsewhere" in shown and "record: " in shown
    (record,) = (tmp_path / "out" / "runs").glob("*/*/*/*")
    leaves = json.loads((record / "identity.json").read_text())["leaves"]
    assert leaves["diagnostic.trainer"] == "mine" and leaves["fold.k"] == 2
    monkeypatch.setattr(sys, "argv", [*line[:4], "fold.seed=43"])
    with pytest.raises(SystemExit) as ended:
        score.main()
    assert ended.value.code == 2
    assert "another fold plan" in capsys.readouterr().err


def test_a_manifest_cannot_ask_for_a_model_s_own_code(trained, score_config):
    manifest = trained / "manifest.json"
    about = json.loads(manifest.read_text())
    about["config"]["model"]["trust_remote_code"] = True
    manifest.write_text(json.dumps(about))
    assert not score_config(f"adapters={trained}").model.trust_remote_code
    asked = score_config(f"adapters={trained}", "model.trust_remote_code=true")
    assert asked.model.trust_remote_code


def test_numbers_without_a_head_are_chosen_by_what_the_model_would_write(
    exported, score_config, tmp_path
):
    """An adapter that learned one number for all jars answers it."""
    folder = exported.folder
    for fold in "01":
        rows = json.loads((folder / f"train-0-{fold}.json").read_text())
        counts = [row for row in rows if "How many" in row["instruction"]]
        known = {row["output"] for row in counts}
        favourite = sorted(known)[0]
        (folder / f"train-0-{fold}.json").write_text(
            json.dumps([row | {"output": favourite} for row in counts])
        )
        train_fold(folder, f"0-{fold}", steps=60)
        (folder / f"train-0-{fold}.json").write_text(
            json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
        )
    result = score_elsewhere(score_config(f"adapters={folder}"))
    numbers = result.questions[result.questions["format"] == "num"]
    answered = numbers["prediction"].astype(float)
    assert answered.groupby(numbers["fold"]).nunique().max() == 1
