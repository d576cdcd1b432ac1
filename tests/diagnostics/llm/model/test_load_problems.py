"""Folders that a model cannot be read from, or not whole: each is one message with the fix."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers as hf
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from tst.core.errors import UserError
from tst.diagnostics.llm.model.loading import free_base, load_base
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.diagnostics.llm.settings import ModelSettings

WEIGHTS = "model.safetensors"


def save_adapter(folder: Path) -> None:
    settings = LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM")
    adapter = get_peft_model(build_model(tiny_config(len(build_tokenizer()))), settings)
    adapter.save_pretrained(folder, save_embedding_layers=False)


def save_adapter_alone(folder: Path) -> None:
    save_adapter(folder)
    for name in (WEIGHTS, "config.json"):
        (folder / name).unlink()


def save_classifier(folder: Path) -> None:
    config = tiny_config(len(build_tokenizer()))
    config.tie_word_embeddings = False
    hf.LlamaForSequenceClassification(config).save_pretrained(folder)


def edit_config(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


def remove(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


def lose_a_number(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] = torch.nan
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})


def put_gguf_alone(folder: Path) -> None:
    remove(WEIGHTS, "config.json")(folder)
    write("model.gguf", b"GGUF")(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer))).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def refusal(name: str | Path) -> str:
    free_base()
    with pytest.raises(UserError) as refused:
        load_base(ModelSettings(str(name), dtype="float32", quantization="none"), "cpu")
    assert f"model.name={name}" in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (save_classifier, r"1 weights of LlamaForCausalLM are not in its files \(lm_head.weight\)"),
        (edit_config(num_hidden_layers=3), r"9 weights .* would be random numbers"),
        (save_adapter, "an adapter .* lies beside the model"),
        (save_adapter_alone, "holds an adapter alone: name its base model, or merge"),
        (put_gguf_alone, "GGUF files are not read"),
        (remove(WEIGHTS), "the folder has no weights; expected"),
        (remove("tokenizer.json", "tokenizer_config.json"), "the folder has no tokenizer"),
        (write(WEIGHTS, b"version https://git-lfs.github.com/spec/v1"), "run `git lfs pull`"),
        (write("tokenizer.json", b"{}"), "do not belong together"),
        (write("config.json", b"{"), "not a valid JSON file.*\n.*download them anew"),
        (edit_config(intermediate_size=8), "do not belong together"),
        (edit_config(num_attention_heads=0), "cannot be"),
        (lose_a_number, "its logits are not finite"),
    ],
)
def test_what_cannot_be_loaded_whole_is_one_message(folder, spoil, message):
    spoil(folder)
    assert re.search(message, refusal(folder))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/no/such/folder", "there is no such folder; expected"),
        ("./folder", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
        ("", "there is no such folder"),
        ("models/some.gguf", "GGUF files are not read"),
        (__file__, "this is a file; expected a folder"),
    ],
)
def test_a_path_that_is_no_folder_is_not_looked_for_on_the_hub(name, message):
    assert message in refusal(name)
