"""Adapters trained elsewhere that are not scored, and what is said of them."""

from __future__ import annotations

import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from tests.external_training.conftest import save_base, train_fold
from tst.core.errors import UserError
from tst.external_training.score import score_elsewhere


def by_id(result) -> pd.DataFrame:
    return result.questions.set_index("id")


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


def test_nothing_to_score_and_null_draws_are_refused(score_config):
    with pytest.raises(UserError, match="Nothing to score"):
        score_config()
    with pytest.raises(UserError, match="null draws are trained"):
        score_config("adapters=x", "null.repeats=2")
