"""Adapters that saw what their fold holds out, as far as files give it away; code in a manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tst.core.errors import UserError
from tst.external_training.score import score_elsewhere

CARD = "This model is a fine-tuned version of [base](https://x/base) on the train-{} dataset.\n"


def change_manifest(folder: Path, part: str, **values) -> None:
    path = folder / "manifest.json"
    about = json.loads(path.read_text())
    (about if not part else about["config"].get(part, about.get(part))).update(values)
    path.write_text(json.dumps(about))


def test_one_adapter_in_two_folds_is_refused(trained, score_config):
    adapters = trained / "adapters"
    shutil.copy(
        adapters / "0-0" / "adapter_model.safetensors",
        adapters / "0-1" / "adapter_model.safetensors",
    )
    with pytest.raises(UserError, match="folds 0-0 and 0-1 have the same weights"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_adapters_in_each_other_s_folders_are_told_by_llamafactory_s_card(trained, score_config):
    adapters = trained / "adapters"
    for name in ("0-0", "0-1"):
        (adapters / name / "README.md").write_text(CARD.format(name))
    assert score_elsewhere(score_config(f"adapters={trained}")).complete
    (adapters / "0-0").rename(adapters / "away")
    (adapters / "0-1").rename(adapters / "0-0")
    (adapters / "away").rename(adapters / "0-1")
    with pytest.raises(UserError, match=r"0-0: README\.md says that it was trained on train-0-1"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_an_adapter_of_another_export_is_told_by_the_card_s_seed(trained, score_config):
    seeds = {
        name: yaml.safe_load((trained / f"train-{name}.yaml").read_text())["seed"]
        for name in ("0-0", "0-1")
    }
    for name, seed in seeds.items():
        card = trained / "adapters" / name / "README.md"
        card.write_text(CARD.format(name) + f"\n- learning_rate: 0.01\n- seed: {seed}\n")
    assert score_elsewhere(score_config(f"adapters={trained}")).complete
    card.write_text(CARD.format("0-1") + "\n- seed: 7\n")
    with pytest.raises(UserError, match=r"0-1: README\.md says that it was trained with seed 7, "):
        score_elsewhere(score_config(f"adapters={trained}"))


@pytest.mark.parametrize("rows", ["train-0-0", "train-0-1,alpaca_en_demo"])
def test_a_yaml_that_names_other_rows_is_refused(trained, score_config, rows):
    path = trained / "train-0-1.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"dataset": rows}))
    with pytest.raises(UserError, match=f"dataset={rows}; a fold is trained on train-0-1"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_datasets_that_were_pointed_at_other_files_are_refused(trained, score_config):
    path = trained / "dataset_info.json"
    path.write_text(path.read_text().replace("train-0-1.json", "train-0-0.json"))
    with pytest.raises(UserError, match=r"dataset_info\.json was changed after the export"):
        score_elsewhere(score_config(f"adapters={trained}"))


@pytest.mark.parametrize(
    ("part", "key"), [("benchmark", "reader"), ("diagnostic", "implementation")]
)
def test_a_manifest_cannot_make_this_machine_import_code(
    trained, score_config, tmp_path, monkeypatch, part, key
):
    (tmp_path / "planted_code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    change_manifest(trained, part, **{key: "planted_code.read"})
    message = f"{part}.{key}=planted_code.read is code that is not tst's"
    with pytest.raises(UserError, match=message):
        score_config(f"adapters={trained}")
    assert not (tmp_path / "ran").exists()


def test_a_reader_that_the_command_line_names_is_run(trained, score_config, tmp_path, monkeypatch):
    (tmp_path / "reader_of_nothing.py").write_text("def read(record):\n    return {}\n")
    monkeypatch.syspath_prepend(tmp_path)
    change_manifest(trained, "benchmark", reader="reader_of_nothing.read")
    config = score_config(f"adapters={trained}", "benchmark.reader=reader_of_nothing.read")
    assert score_elsewhere(config).complete


def test_a_base_that_nothing_identifies_or_that_has_no_files_is_refused(trained, score_config):
    with pytest.raises(UserError, match=r"model\.name=tiny.*built on the spot"):
        score_elsewhere(score_config(f"adapters={trained}", "model.name=tiny"))
    change_manifest(trained, "base", digest="", commit=None)
    with pytest.raises(UserError, match="knows neither digest nor commit of the base"):
        score_elsewhere(score_config(f"adapters={trained}"))


def test_another_diagnostic_is_refused_by_name(trained, score_config):
    with pytest.raises(UserError, match="diagnostic=rf: what is scored was trained as"):
        score_config(f"adapters={trained}", "diagnostic=rf")
