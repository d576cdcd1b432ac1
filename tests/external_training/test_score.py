"""Adapters that plain PEFT trained on an export, scored into records."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tests.external_training.conftest import save_base, train_all, train_fold
from tst import export, score
from tst.analysis.subjects import find_subjects
from tst.analysis.tables.build import build_tables, read_sources
from tst.analysis.tables.plain_text import render_markdown
from tst.core.errors import UserError
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.loading import free_base
from tst.diagnostics.llm.settings import LoraSettings
from tst.external_training.export import export_folds
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


def test_a_missing_fold_is_refused_but_for_fold_only(trained, score_config):
    shutil.rmtree(trained / "adapters" / "0-1")
    with pytest.raises(UserError, match="no adapter of fold 0-1"):
        score_elsewhere(score_config(f"adapters={trained}"))
    result = score_elsewhere(score_config(f"adapters={trained}", "fold.only=[0]"))
    assert not result.complete and len(result.questions) == 12
    train_fold(trained, "0-1")
    part = score_elsewhere(score_config(f"adapters={trained}", "fold.only=[0]"))
    whole = score_elsewhere(score_config(f"adapters={trained}"))
    assert whole.complete and whole.record == part.record


def test_another_base_is_refused_by_its_weights_and_the_same_one_elsewhere_is_not(
    trained, base, score_config, tmp_path
):
    first = score_elsewhere(score_config(f"adapters={trained}"))
    moved = shutil.copytree(base, tmp_path / "moved")
    again = score_config(f"adapters={trained}")
    again.model = replace(again.model, name=str(moved))
    result = score_elsewhere(again)
    a, b = by_id(first), by_id(result)
    np.testing.assert_array_equal(a["s"], b.loc[a.index, "s"])
    other = save_base(tmp_path / "other", seed=1)
    again.model = replace(again.model, name=str(other))
    with pytest.raises(UserError, match="another base"):
        score_elsewhere(again)


def test_an_adapter_of_another_shape_is_refused(trained, score_config, tmp_path):
    wide = save_base(tmp_path / "wide", hidden=64)
    config = score_config(f"adapters={trained}/adapters")
    shutil.move(trained / "manifest.json", tmp_path / "manifest.away")
    config.model = replace(config.model, name=str(wide))
    with pytest.raises(UserError, match="made for a layer of 32 to 64, the base's is of 64 to 128"):
        score_elsewhere(config)


def test_another_plan_other_questions_and_changed_training_files_are_refused(
    trained, score_config, tmp_path
):
    config = score_config(f"adapters={trained}")
    config.fold = replace(config.fold, seed=43)
    with pytest.raises(UserError, match="another fold plan: seed=43 for 42"):
        score_elsewhere(config)
    config = score_config(f"adapters={trained}")
    path = Path(config.benchmark.path)
    path.write_text(path.read_text().replace("jar 5", "jar five"))
    with pytest.raises(UserError, match="the questions have fingerprint"):
        score_elsewhere(config)
    path.write_text(path.read_text().replace("jar five", "jar 5"))
    rows = trained / "train-0-0.json"
    rows.write_text(rows.read_text().replace("shade 0", "shade 9"))
    with pytest.raises(UserError, match=r"train-0-0\.json was changed after the export"):
        score_elsewhere(config)


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


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_no_pickle_is_ever_loaded(trained, score_config, tmp_path):
    gone_off = tmp_path / "gone_off"
    for fold in "01":
        folder = trained / "adapters" / f"0-{fold}"
        for name in ("training_args.bin", "adapter_model.bin", "optimizer.pt", "scheduler.pt"):
            (folder / name).write_bytes(pickle.dumps(Bomb(gone_off)))
    score_elsewhere(score_config(f"adapters={trained}"))
    assert not gone_off.exists()
    (trained / "adapters" / "0-0" / "adapter_model.safetensors").unlink()
    with pytest.raises(UserError, match="a pickle can run code and is never loaded"):
        score_elsewhere(score_config(f"adapters={trained}"))
    assert not gone_off.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type=IA3; expected LORA"),
        ({"bias": "all"}, "bias=all"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
    ],
)
def test_what_is_no_plain_lora_is_refused(trained, score_config, change, message):
    path = trained / "adapters" / "0-0" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=message):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_half_an_adapter_and_a_broken_file_are_refused(trained, score_config):
    path = trained / "adapters" / "0-0" / "adapter_model.safetensors"
    weights = load_file(path)
    one = next(name for name in weights if "lora_B" in name)
    save_file({k: v for k, v in weights.items() if k != one}, path)
    with pytest.raises(UserError, match="half of the adapter is missing"):
        score_elsewhere(score_config(f"adapters={trained}"))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match="cannot be read"):
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


def test_nothing_to_score_and_null_draws_are_refused(score_config):
    with pytest.raises(UserError, match="Nothing to score"):
        score_config()
    with pytest.raises(UserError, match="null draws are trained"):
        score_config("adapters=x", "null.repeats=2")


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


def test_a_base_whose_config_names_another_dtype_is_linked_with_the_one_that_is_stated(
    base, asked, tmp_path, score_config
):
    half = shutil.copytree(base, tmp_path / "half")
    about = json.loads((half / "config.json").read_text()) | {"dtype": "float16"}
    (half / "config.json").write_text(json.dumps(about))
    columns = "benchmark.columns={id: qid, question_type: kind}"
    words = [f"benchmark={asked}", columns, f"model.name={half}", "device=cpu", "fold.k=2",
             "model.dtype=float32"]  # fmt: skip
    config = export.COMMAND.compose([*words, f"to={tmp_path}/folds"])
    folder = export_folds(config, tmp_path / "folds", "llamafactory").folder
    stated = yaml.safe_load((folder / "train-0-0.yaml").read_text())
    assert stated["model_name_or_path"] == "base" and not stated["bf16"]
    assert json.loads((folder / "base" / "config.json").read_text())["dtype"] == "float32"
    assert AutoModelForCausalLM.from_pretrained(folder / "base").dtype == torch.float32
    assert json.loads((half / "config.json").read_text())["dtype"] == "float16"
    train_all(folder)
    assert score_elsewhere(score_config(f"adapters={folder}")).complete


def test_export_folds_of_some_folds_alone(export_config, tmp_path):
    config = export_config("fold.only=[1]", f"to={tmp_path}/one")
    done = export_folds(config, tmp_path / "one", "chat")
    assert done.manifest.folds == ["0-1"]
    assert not (tmp_path / "one" / "run.sh").exists()
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == [
        "heldout-0-1.jsonl", "manifest.json", "train-0-1.jsonl", "train-0-1.yaml",
    ]  # fmt: skip
