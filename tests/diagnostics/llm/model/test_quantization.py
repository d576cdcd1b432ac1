"""What dtype and quantization mean on a device; adapters train on the weights that answer."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM

from tst.core.errors import UserError
from tst.diagnostics.llm.model import quantization
from tst.diagnostics.llm.model.loading import BaseModel, free_base, load_base
from tst.diagnostics.llm.model.quantization import (
    bfloat16_is_faster,
    nf4_config,
    require_one_quantization,
    resolve_model,
    total_memory,
)
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.steps import FoldTask

pytest.importorskip("bitsandbytes")

CPU = torch.device("cpu")
AUTO = ModelSettings(quantization="auto")  # SmolLM2: 135 million parameters


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of so many bytes, most of them taken; perhaps in a container."""

    def make(total: float, limit: str = "max") -> None:
        (tmp_path / "meminfo").write_text(
            f"MemTotal: {total / 1024:.0f} kB\nMemFree: 1 kB\nMemAvailable: 1 kB\n"
        )
        (tmp_path / "memory.max").write_text(limit)
        monkeypatch.setattr(quantization, "MEMORY", tmp_path / "meminfo")
        limits = (tmp_path / "memory.max", tmp_path / "no-such-file")
        monkeypatch.setattr(quantization, "CONTAINER_LIMITS", limits)

    return make


@pytest.mark.parametrize(
    ("total", "limit", "dtype", "meant"),
    [
        (2e9, "max", "float32", "none"),  # 0.54 GB of weights, and as much again
        (1e9, "max", "float32", "nf4"),
        (1e9, "max", "bfloat16", "none"),
        (2e9, "1000000000", "float32", "nf4"),
        (2e9, "8000000000", "float32", "none"),
    ],
)
def test_quantization_follows_from_the_total_memory(machine, total, limit, dtype, meant):
    machine(total, limit)
    assert resolve_model(replace(AUTO, dtype=dtype), CPU).quantization == meant


def test_what_is_said_is_kept(machine):
    machine(1e6)
    said = ModelSettings(quantization="none", dtype="bfloat16")
    assert resolve_model(said, CPU) == said


@pytest.mark.parametrize(("pays", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_a_cpu_computes_in_what_it_multiplies_faster(machine, monkeypatch, pays, dtype):
    machine(2e9)
    monkeypatch.setattr(quantization, "bfloat16_is_faster", lambda: pays)
    resolved = resolve_model(AUTO, CPU)
    assert resolved == replace(AUTO, dtype=dtype, quantization="none")
    assert resolve_model(resolved, CPU) == resolved
    assert resolve_model(ModelSettings("tiny", quantization="none"), CPU).dtype == "float32"


def test_bfloat16_is_faster_where_its_products_take_far_less_time(monkeypatch):
    def judged(single: float, half: float) -> bool:
        seconds = {torch.float32: single, torch.bfloat16: half}
        monkeypatch.setattr(quantization, "_product_seconds", seconds.__getitem__)
        bfloat16_is_faster.cache_clear()
        return bfloat16_is_faster()

    assert judged(1.0, 0.4) and not judged(1.0, 0.8) and not judged(1.0, 12.0)
    monkeypatch.undo()
    bfloat16_is_faster.cache_clear()
    assert min(map(quantization._product_seconds, (torch.float32, torch.bfloat16))) > 0


def test_this_machine_has_memory():
    assert total_memory(CPU) > 1e8


@pytest.mark.parametrize(
    ("dtype", "expected"), [("auto", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_a_base_is_loaded_in_its_dtype(dtype, expected):
    base = load_base(ModelSettings("tiny", dtype=dtype, quantization="none"), "cpu")
    assert base.dtype == expected
    assert {p.dtype for p in base.model.parameters()} == {expected}
    assert base.identity.endswith(f"/none/{expected}")
    free_base()


def losses(base: BaseModel) -> torch.Tensor:
    """The loss of every training step on this base."""
    settings = LoraSettings(dropout=0.0, learning_rate=2e-2)
    task = FoldTask([Example([Prompt([6, 7, 8 + i])], [9]) for i in range(32)], 1, 7)
    with trained_adapter(base, settings, OptimizerSettings(), task, MemoryPlan(4)) as (_, training):
        return torch.tensor(training.histories[0]["loss"].to_numpy())


@pytest.mark.parametrize("stored", [False, True], ids=["here", "in its files"])
def test_adapters_on_nf4_train_alike_before_and_after_a_pass_in_eval_mode(tmp_path, stored):
    """Shows the fault on CPUs with AVX512-BF16: bitsandbytes repacks weights in such a pass."""
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer), hidden=64)).save_pretrained(tmp_path)
    trained_only = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, quantization_config=nf4_config(torch.float32)
    )
    if stored:
        trained_only.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    how = "none" if stored else "nf4"
    base = load_base(ModelSettings(str(tmp_path), dtype="float32", quantization=how), "cpu")
    with torch.no_grad():  # as zero-shot scoring reads
        base.model(input_ids=torch.arange(6, 106)[None])
    expected = losses(replace(base, model=trained_only.requires_grad_(False).train()))
    assert expected[-1] < expected[0] - 1.0, "it must learn for equality to mean anything"
    torch.testing.assert_close(losses(base), expected, rtol=1e-3, atol=1e-3)
    free_base()


@pytest.mark.parametrize(
    ("stored", "quantization", "allowed"),
    [
        ("gptq", "none", True),
        ("gptq", "nf4", False),
        ("fp8", "fp8", False),
        ("bitsandbytes", "nf4", True),
        ("bitsandbytes", "fp8", False),
    ],
)
def test_what_is_quantised_in_its_files_is_not_quantised_again(stored, quantization, allowed):
    config = tiny_config(300)
    config.quantization_config = {"quant_method": stored}
    settings = ModelSettings("some/model", quantization=quantization)
    refused = pytest.raises(UserError, match=rf"quantised already \({stored}\).*quantization=none")
    with nullcontext() if allowed else refused:
        require_one_quantization(settings, config)
