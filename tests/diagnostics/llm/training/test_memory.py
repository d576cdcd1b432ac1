"""How much a scoring batch holds, by the device's memory and the model."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, MistralConfig

from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.training import memory
from tst.diagnostics.llm.training.memory import SCORE_TOKENS, scoring_tokens

SEVEN_B = MistralConfig(
    vocab_size=32768, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
    num_attention_heads=32, num_key_value_heads=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def base() -> BaseModel:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(SEVEN_B, dtype=torch.bfloat16)
    return BaseModel(model, None, torch.device("cuda"), torch.bfloat16, "none", "7B")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gigabytes", "tokens"), [(141, 32768), (80, 32768), (48, 16384), (24, 4096), (15, 1024)]
)
def test_a_smaller_gpu_scores_fewer_tokens_at_once(base, monkeypatch, gigabytes, tokens):
    monkeypatch.setattr(memory, "total_memory", lambda device: gigabytes * 1e9)
    assert scoring_tokens(base) == tokens


def test_a_cpu_scores_what_its_caches_hold(base):
    on_cpu = BaseModel(base.model, None, torch.device("cpu"), torch.float32, "none", "7B")  # type: ignore[arg-type]
    assert scoring_tokens(on_cpu) == SCORE_TOKENS["cpu"]
