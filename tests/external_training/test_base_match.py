"""Whether PEFT reads an adapter's files on the base as they were trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tests.external_training.conftest import train_all
from tst.core.errors import UserError
from tst.diagnostics.llm.model.layers import decoder_layers
from tst.external_training.adapters import find_adapters
from tst.external_training.base_match import find_misfits, find_unread
from tst.external_training.score import score_elsewhere


@pytest.fixture
def trained(exported) -> Path:
    train_all(exported.folder)
    return exported.folder


def change_weights(change):
    def apply(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        save_file(change(load_file(path)), path)

    return apply


def change_config(**changes):
    def apply(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return apply


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_weights(lambda w: {k: v.reshape(-1) for k, v in w.items()}), "expected a matrix"),
        (
            change_weights(lambda w: {k: v.to(torch.float8_e4m3fn) for k, v in w.items()}),
            "is torch.float8_e4m3fn; expected float32",
        ),
        (
            change_weights(lambda w: {k: (99 * v).to(torch.int8) for k, v in w.items()}),
            "is torch.int8; expected float32",
        ),
        (
            change_weights(lambda w: {f"{k[:-6]}default.weight": v for k, v in w.items()}),
            "is no part of a plain LoRA as save_pretrained writes it",
        ),
        (
            change_weights(
                lambda w: {k.removeprefix("base_model.model."): v for k, v in w.items()}
            ),
            "tensors, model.layers.*, are not of the adapter that adapter_config.json describes",
        ),
        (
            change_weights(lambda w: {k: v for k, v in w.items() if "layers.0" in k}),
            "tensors of the adapter that adapter_config.json describes are missing",
        ),
        (change_config(target_modules=["q_proj"]), "are not of the adapter that adapter_config"),
        (change_config(r=4), r"has shape \(8, .*, with adapter_config.json it has \(4, "),
        (change_config(target_modules="*("), "PEFT makes no adapter of it"),
        (change_config(layers_to_transform="x"), "PEFT makes no adapter of it"),
        (change_config(rank_pattern=[1]), "PEFT makes no adapter of it"),
        (change_config(init_lora_weights="nonsense"), "PEFT makes no adapter of it"),
    ],
)
def test_weights_that_peft_would_not_read_as_they_were_trained_are_refused(
    trained, score_config, change, message
):
    for fold in ("0-0", "0-1"):
        change(trained / "adapters" / fold)
    with pytest.raises(UserError, match=message):
        score_elsewhere(score_config(f"adapters={trained}"))


@pytest.mark.parametrize("change", [{}, {"use_dora": True}, {"use_rslora": True, "r": 4},
                                    {"rank_pattern": {"q_proj": 3}}, {"target_modules": ["q_proj"]},
                                    {"target_modules": "all-linear"},
                                    {"layers_to_transform": [1]}])  # fmt: skip
def test_adapters_as_peft_saves_them_are_read(base, tmp_path, change):
    known = {"target_modules": ["q_proj", "down_proj"], "task_type": "CAUSAL_LM"}
    model = AutoModelForCausalLM.from_pretrained(base)
    get_peft_model(model, LoraConfig(**known | change)).save_pretrained(tmp_path / "adapters/0-0")
    adapter = find_adapters(tmp_path / "adapters", [(0, 0)])[0, 0]
    empty = AutoModelForCausalLM.from_pretrained(base).to("meta")
    assert find_misfits(adapter, decoder_layers(empty)) == []
    assert find_unread(adapter, empty) == []
