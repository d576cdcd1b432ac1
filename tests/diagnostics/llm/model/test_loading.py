"""What a base is, and that training leaves nothing on it."""

import os
from threading import Event

import pytest
import torch
from transformers import PretrainedConfig

from tests.diagnostics.llm.conftest import TINY
from tst.core.errors import UserError
from tst.diagnostics.llm.model import loading
from tst.diagnostics.llm.model.adapters import bare_again
from tst.diagnostics.llm.model.loading import free_base, load_base, load_while, pick_device
from tst.diagnostics.llm.model.pretrained import pick_attention
from tst.diagnostics.llm.model.tiny_model import tiny_config
from tst.diagnostics.llm.model.weights_digest import PIECE_BYTES, PIECES, identify_weights
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.steps import FoldTask

EXAMPLES = [Example([Prompt([6, 7, 8 + i])], [9]) for i in range(8)]
TASKS = [FoldTask(EXAMPLES, seed, 7) for seed in (1, 2)]


def test_training_leaves_nothing_on_the_base():
    base = load_base(TINY, "cpu")
    before = set(vars(base.model))
    settings = LoraSettings()
    with stacked_training(base, settings, OptimizerSettings(), TASKS, MemoryPlan(4, folds=2)):
        assert set(vars(base.model)) != before
    assert set(vars(base.model)) == before
    with trained_adapter(base, settings, OptimizerSettings(), TASKS[0], MemoryPlan(4)):
        pass
    assert set(vars(base.model)) == before


def test_bare_again_survives_a_failure():
    base = load_base(TINY, "cpu")
    before = set(vars(base.model))
    with pytest.raises(ZeroDivisionError), bare_again(base):
        base.model.rubbish = 1
        raise ZeroDivisionError
    assert set(vars(base.model)) == before


def test_a_local_folder_is_known_by_its_content(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"a" * 100)
    settings = ModelSettings(str(tmp_path))
    first = identify_weights(settings, PretrainedConfig())
    assert first == identify_weights(settings, PretrainedConfig())
    (tmp_path / "model.safetensors").write_bytes(b"a" * 99 + b"b")
    assert identify_weights(settings, PretrainedConfig()) != first


@pytest.mark.parametrize(
    "name",
    ["config.json", "generation_config.json", "tokenizer.json", "merges.txt", "tokenizer.model",
     "chat_template.jinja", "additional_chat_templates/rag.jinja", "modeling.py"],
)  # fmt: skip
def test_an_edited_small_file_is_another_model(tmp_path, name):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "additional_chat_templates").mkdir()
    settings = ModelSettings(str(tmp_path))
    names = set()
    for content in ("one", "two"):
        (tmp_path / name).write_text(content)
        names.add(identify_weights(settings, PretrainedConfig()))
    (tmp_path / "README.md").write_text("says nothing about answers")
    names.add(identify_weights(settings, PretrainedConfig()))
    assert len(names) == 2


def test_a_tuned_matrix_inside_a_large_weight_file_is_another_model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.touch()
    os.truncate(weights, 2 * PIECES * PIECE_BYTES)
    settings = ModelSettings(str(tmp_path))
    first = identify_weights(settings, PretrainedConfig())
    assert first == identify_weights(settings, PretrainedConfig())
    with weights.open("r+b") as file:
        file.seek(PIECES * PIECE_BYTES)
        file.write(b"tune" * PIECE_BYTES)
    assert identify_weights(settings, PretrainedConfig()) != first


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99", ""])
def test_a_device_that_is_not_there_is_one_message(device):
    with pytest.raises(UserError, match="device="):
        pick_device(device)


def test_attention_on_a_cpu_follows_the_dtype():
    def picked(dtype: str) -> str | None:
        return pick_attention(ModelSettings("a", dtype), tiny_config(300), torch.device("cpu"))

    assert picked("bfloat16") == "eager"
    assert picked("float32") is None


def test_questions_are_read_while_the_weights_are(monkeypatch):
    free_base()
    read = Event()
    load = loading._load

    def load_slowly(*given):
        assert read.wait(timeout=30), "the work waited for the weights"
        return load(*given)

    monkeypatch.setattr(loading, "_load", load_slowly)
    base, size = load_while(TINY, "cpu", lambda tokenizer: (read.set(), len(tokenizer))[1])
    assert size == len(base.tokenizer)
    assert load_while(TINY, "cpu", len) == (base, size)


def test_what_the_work_raises_is_raised():
    def fail(tokenizer):
        raise UserError("cannot be read")

    free_base()
    with pytest.raises(UserError, match="cannot be read"):
        load_while(TINY, "cpu", fail)
