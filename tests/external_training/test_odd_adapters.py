"""What a stranger's folder of adapters may be: each oddity is one message, found before scoring."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from tst import score
from tst.core.errors import UserError
from tst.external_training.adapters import find_adapters, why_missing
from tst.external_training.base_match import find_misfits
from tst.external_training.manifest import read_manifest
from tst.external_training.score import score_elsewhere
from tst.external_training.trainer_settings import read_settings

FOLDS = [(0, 0), (0, 1)]


@pytest.fixture
def adapters(tmp_path) -> Path:
    """Two folds' folders with an adapter's configuration and an empty file of weights."""
    root = tmp_path / "adapters"
    for name in ("0-0", "0-1"):
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "adapter_model.safetensors").touch()
        write_config(folder, {})
    return root


def write_config(folder: Path, change: dict) -> None:
    about = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(about | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"r": None}, "r=None; expected the rank"),
        ({"r": 0}, "r=0; expected the rank"),
        ({"lora_alpha": "sixteen"}, "lora_alpha=sixteen; expected a number"),
        ({"lora_dropout": None}, "lora_dropout=None; expected a number"),
        ({"target_modules": 3}, "target_modules=3; expected names of layers"),
        ({"target_modules": [3]}, r"target_modules=\[3\]; expected names of layers"),
        ({"lora_alpha": float("nan")}, "lora_alpha=nan; expected a number"),
        ({"lora_dropout": 3}, "lora_dropout=3; expected a share from 0 to 1"),
        ({"task_type": "SEQ_CLS"}, "task_type=SEQ_CLS; expected CAUSAL_LM"),
        ({"init_lora_weights": "pissa_niter_16"}, ".* the base's weights were changed too"),
        ({"init_lora_weights": "lora_ga"}, ".* the base's weights were changed too"),
        ({"alora_invocation_tokens": [1, 2]}, "alora_invocation_tokens=.*: no plain LoRA"),
        ({"use_qalora": True}, "use_qalora=True: no plain LoRA"),
        ({"layer_replication": [[0, 2], [1, 2]]}, "layer_replication=.*: weights beside"),
    ],
)
def test_a_configuration_with_other_values_is_refused(adapters, change, message):
    write_config(adapters / "0-1", change)
    with pytest.raises(UserError, match=f"0-1/adapter_config.json: {message}"):
        find_adapters(adapters, FOLDS)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000])
@pytest.mark.parametrize("name", ["adapter_config.json", "trainer_state.json", "all_results.json"])
def test_a_json_file_that_holds_no_object_is_named(adapters, name, text):
    (adapters / "0-0" / name).write_text(text)
    with pytest.raises(UserError, match=f"0-0/{name}: cannot be read"):
        find_adapters(adapters, FOLDS)


@pytest.mark.parametrize(
    ("name", "noted"),
    [
        ("trainer_state.json", {"log_history": 3}),
        ("trainer_state.json", {"log_history": [1]}),
        ("trainer_state.json", {"log_history": [{"loss": "x", "step": 1}]}),
        ("trainer_state.json", {"num_train_epochs": "many"}),
        ("all_results.json", {"train_runtime": None}),
    ],
)
def test_notes_that_no_trainer_writes_are_refused(adapters, name, noted):
    (adapters / "0-0" / name).write_text(json.dumps(noted))
    with pytest.raises(UserError, match="is not as transformers writes it"):
        find_adapters(adapters, FOLDS)


def test_a_last_checkpoint_without_an_adapter_is_not_passed_over(adapters):
    early, late = adapters / "0-0" / "checkpoint-4", adapters / "0-0" / "checkpoint-12"
    early.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (adapters / "0-0" / name).rename(early / name)
    assert find_adapters(adapters, FOLDS)[0, 0].folder == early
    late.mkdir()
    with pytest.raises(UserError, match="checkpoint-12: the last checkpoint has no adapter_model"):
        find_adapters(adapters, FOLDS)


def test_why_folds_are_missing(adapters):
    assert why_missing(adapters, [(0, 2)], [*FOLDS, (0, 2)]) == ""
    assert "one adapter itself" in why_missing(adapters / "0-0", FOLDS, FOLDS)
    (adapters / "0-0").rename(adapters / "fold2")
    assert "no fold 0-2: folds are numbered from 0" in why_missing(adapters, FOLDS[:1], FOLDS)
    shutil.rmtree(adapters / "fold2")
    (adapters / "0-0").mkdir()
    (adapters / "0-0" / "model.safetensors").touch()
    assert "holds a whole model" in why_missing(adapters, FOLDS[:1], FOLDS)


def test_where_else_an_adapter_may_be(adapters):
    own = adapters / "0-0"
    final = own / "final"
    final.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (own / name).rename(final / name)
    assert f"{final} holds an adapter; move it up" in why_missing(adapters, FOLDS[:1], FOLDS)
    part = own / "adapter_model-00001-of-00002.safetensors"
    (final / "adapter_model.safetensors").rename(part)
    assert f"{part}: the adapter is in parts" in why_missing(adapters, FOLDS[:1], FOLDS)
    (own / "adapter_model.safetensors").symlink_to(adapters / "gone")
    assert "a link to a file that is not there" in why_missing(adapters, FOLDS[:1], FOLDS)
    own.rename(adapters / "Fold 0")
    assert "folders called Fold 0; a fold's is called" in why_missing(adapters, FOLDS[:1], FOLDS)


def test_a_training_file_of_one_fold_that_is_missing_is_named(trained, score_config):
    (trained / "train-0-1.yaml").unlink()
    with pytest.raises(UserError, match=r"train-0-1\.yaml of the export is missing"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_settings_in_another_encoding_are_one_message(tmp_path):
    path = tmp_path / "train-0-0.yaml"
    path.write_bytes("# café".encode("latin-1"))
    with pytest.raises(UserError, match="no YAML"):
        read_settings(path)


def test_without_a_manifest_a_missing_fold_is_explained(trained, score_config):
    (trained / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"no manifest.json of tst export, so .* fold.k=5"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_weights_of_a_training_that_diverged_are_refused(trained):
    path = trained / "adapters" / "0-1" / "adapter_model.safetensors"
    weights = load_file(path)
    name = sorted(weights)[0]
    weights[name].view(-1)[3] = float("nan")
    save_file(weights, path)
    adapter = find_adapters(trained / "adapters", FOLDS)[0, 1]
    layer = name.removeprefix("base_model.model.").partition(".lora_")[0]
    known = {layer: torch.nn.Linear(32, 32)}
    assert any(f"{name}: has values that are not finite" in m for m in find_misfits(adapter, known))


def test_a_training_that_was_stopped_is_told(trained, score_config, caplog):
    state = {"global_step": 2, "max_steps": 3, "log_history": []}
    (trained / "adapters" / "0-1" / "trainer_state.json").write_text(json.dumps(state))
    score_elsewhere(score_config(f"adapters={trained}"))
    assert "fold 0-1: stopped at step 2 of 3" in caplog.text


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        ({"per_device_train_batch_size": "abc"}, "per_device_train_batch_size=abc"),
        ({"per_device_train_batch_size": 4, "gradient_accumulation_steps": None},
         "gradient_accumulation_steps=None"),
        ({"learning_rate": "high"}, "learning_rate=high"),
        ({"num_train_epochs": None}, "num_train_epochs=None"),
    ],
)  # fmt: skip
def test_a_setting_that_is_no_number_is_named(tmp_path, setting, shown):
    path = tmp_path / "train-0-0.yaml"
    path.write_text(yaml.safe_dump(setting))
    with pytest.raises(UserError, match=f"train-0-0.yaml: {shown}; expected a number"):
        read_settings(path)


def test_a_number_that_yaml_reads_as_a_text_is_one(tmp_path):
    path = tmp_path / "train-0-0.yaml"
    path.write_text("learning_rate: 1e-4\nper_device_train_batch_size: 4\n")
    assert read_settings(path) == {"learning_rate": 1e-4, "batch_size": 4}


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("kind", "tst export 9", "kind is 'tst export 9', expected 'tst export 1'"),
        ("table", {}, "table has no name"),
        ("plan", {}, "plan has no digest"),
        ("base", {"name": "x"}, "base has no digest"),
        ("files", [], "files is no object"),
        ("config", [1], "config is no object"),
        ("config", {}, "config has no benchmark"),
        ("surprise", 1, "unexpected keyword argument 'surprise'"),
    ],
)
def test_a_manifest_that_was_not_written_by_this_version_is_refused(exported, part, value, message):
    path = exported.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {part: value}))
    with pytest.raises(UserError, match=message):
        read_manifest(exported.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"future": 1}, "Key 'future' not in"), ({"epochs": "many"}, "Value 'many'")],
)
def test_settings_of_another_version_are_refused(exported, score_config, change, message):
    path = exported.folder / "manifest.json"
    about = json.loads(path.read_text())
    about["config"]["diagnostic"].update(change)
    path.write_text(json.dumps(about))
    with pytest.raises(UserError, match=f"not those of this version .{message}"):
        score_config(f"adapters={exported.folder}")


def test_a_folder_may_have_any_name(exported, tmp_path, monkeypatch, capsys):
    odd = exported.folder.rename(tmp_path / "ann's folds, lr=1e-4 {x}")
    monkeypatch.setattr(sys, "argv", ["tst.score", str(odd), f"outputs_root={tmp_path}/out"])
    with pytest.raises(SystemExit) as ended:
        score.main()
    assert ended.value.code == 2
    assert f"{odd}: no adapter of fold 0-0, 0-1" in capsys.readouterr().err
