"""How much a scoring batch and a training pass hold, by the device's memory and the model."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, MistralConfig

from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training import memory
from tst.diagnostics.llm.training.memory import (
    SCORE_TOKENS,
    MemoryPlan,
    decoding_copies,
    scoring_tokens,
    training_tokens,
)

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


@pytest.mark.parametrize(("gigabytes", "copies"), [(200, 8), (80, 3), (24, 2)])
def test_decoding_fills_what_memory_is_left(base, monkeypatch, gigabytes, copies):
    monkeypatch.setattr(memory, "total_memory", lambda device: gigabytes * 1e9)
    # 131,072 bytes per token beside 14.5 GB of weights
    assert decoding_copies(base, 32768) == copies


def test_a_cpu_scores_what_its_caches_hold(base):
    on_cpu = BaseModel(base.model, None, torch.device("cpu"), torch.float32, "none", "7B")  # type: ignore[arg-type]
    assert scoring_tokens(on_cpu) == SCORE_TOKENS["cpu"]


@pytest.mark.parametrize(("gigabytes", "top", "tokens"), [(80, "all", 3478), (80, 16, 6957)])
def test_a_training_pass_holds_what_its_adapted_layers_keep(
    base, monkeypatch, gigabytes, top, tokens
):
    monkeypatch.setattr(memory, "total_memory", lambda device: gigabytes * 1e9)
    # 147,456 bytes per token and layer beside 14.5 GB of weights
    assert training_tokens(base, LoraSettings(top_layers=top)) == pytest.approx(tokens, rel=0.01)


def test_a_pass_that_did_not_fit_is_halved_and_one_that_is_set_is_kept(base, monkeypatch):
    monkeypatch.setattr(memory, "total_memory", lambda device: 80e9)
    plan = MemoryPlan(4, folds=5)
    first = plan.fold_tokens(base, LoraSettings(), 5)
    assert first == training_tokens(base, LoraSettings()) / 5
    plan.shrink()
    assert plan.fold_tokens(base, LoraSettings(), 5) == first / 2
    assert plan.fold_tokens(base, LoraSettings(micro_batch=4), 5) == math.inf
    on_cpu = BaseModel(base.model, None, torch.device("cpu"), torch.float32, "none", "7B")  # type: ignore[arg-type]
    assert plan.fold_tokens(on_cpu, LoraSettings(), 5) == math.inf
