"""nf4 on a CPU: adapters train on the weights that answers are computed with."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM

from tst.diagnostics.llm.model.loading import BaseModel, free_base, load_base
from tst.diagnostics.llm.model.quantization import nf4_config
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.diagnostics.llm.prompting.encoding import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.steps import FoldTask

pytest.importorskip("bitsandbytes")


def losses(base: BaseModel) -> torch.Tensor:
    """The loss of every training step on this base."""
    settings = LoraSettings(dropout=0.0, learning_rate=2e-2)
    task = FoldTask([Example([Prompt([6, 7, 8 + i])], [9]) for i in range(32)], 1, 7)
    with trained_adapter(base, settings, OptimizerSettings(), task, MemoryPlan(4)) as (_, training):
        return torch.tensor(training.histories[0]["loss"].to_numpy())


def test_adapters_on_nf4_train_alike_before_and_after_a_pass_in_eval_mode(tmp_path):
    """Shows the fault on CPUs with AVX512-BF16: bitsandbytes repacks weights in such a pass."""
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer), hidden=64)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    base = load_base(ModelSettings(name=str(tmp_path), quantization="nf4"), "cpu")
    with torch.no_grad():  # as zero-shot scoring reads
        base.model(input_ids=torch.arange(6, 106)[None])
    trained_only = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, quantization_config=nf4_config(torch.float32)
    )
    expected = losses(replace(base, model=trained_only.requires_grad_(False).train()))
    assert expected[-1] < expected[0] - 1.0, "it must learn for equality to mean anything"
    torch.testing.assert_close(losses(base), expected, rtol=1e-3, atol=1e-3)
    free_base()
