"""What a base is, and that training leaves nothing on it."""

import pytest
from transformers import PretrainedConfig

from tst.diagnostics.llm.adapters import bare_again
from tst.diagnostics.llm.content import content_name
from tst.diagnostics.llm.memory import MemoryPlan
from tst.diagnostics.llm.models import load_base, pick_device
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.stacked_training import stacked_training
from tst.diagnostics.llm.steps import FoldTask
from tst.diagnostics.llm.training import trained_adapter
from tst.errors import UserError

TINY = ModelSettings("tiny", quantization="none")
TASKS = [FoldTask([([6, 7, 8 + i], [9]) for i in range(8)], seed, 7) for seed in (1, 2)]


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
    first = content_name(settings, PretrainedConfig())
    assert first == content_name(settings, PretrainedConfig())
    (tmp_path / "model.safetensors").write_bytes(b"a" * 99 + b"b")
    assert content_name(settings, PretrainedConfig()) != first


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:99", ""])
def test_a_device_that_is_not_there_is_one_message(device):
    with pytest.raises(UserError, match="device="):
        pick_device(device)
