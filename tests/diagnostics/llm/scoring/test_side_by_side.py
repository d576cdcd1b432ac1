"""Continuations that share their prompt's row are those that each would have by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.diagnostics.llm.conftest import TINY
from tests.diagnostics.llm.scoring.test_decoding import some_prompts
from tst.core.folds import plan_folds
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.loading import load_base
from tst.diagnostics.llm.model.tiny_model import build_model, tiny_config
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.scoring import answers as answers_module
from tst.diagnostics.llm.scoring.decoding import ArithmeticSampling, _decode_uncached
from tst.diagnostics.llm.scoring.row_trial import can_share_rows
from tst.diagnostics.llm.scoring.side_by_side import (
    SharedRows,
    decode_side_by_side,
    read_prompts,
)
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.stacked_adapters import StackedAdapters
from tst.diagnostics.llm.training.stacked_folds import trainable

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def stops_at_2(continued: np.ndarray) -> np.ndarray:
    return continued[:, -1] == 2


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("empty", [0, 3])
def test_the_same_answers_as_reading_all_anew(device, attention, empty):
    tiny = ModelSettings("tiny", "float32", quantization="none", attn_implementation=attention)
    head = AnswerHead(load_base(tiny, device).model)
    prompts: list[Prompt | None] = list(some_prompts())
    prompts.insert(empty, None)
    with torch.inference_mode(), head.attached():
        assert can_share_rows(head, [some_prompts()], 100)
        found = decode_side_by_side(head, prompts, 3, stops_at_2, ArithmeticSampling(4), 4, 4)
        expected = _decode_uncached(head, prompts, 3, [2], ArithmeticSampling(4))
    assert [found[i] for i in range(16) if i // 4 != empty] == [
        expected[i] for i in range(16) if i // 4 != empty
    ]
    assert not any(found[empty * 4 : empty * 4 + 4])


class Sure(ArithmeticSampling):
    """Of a model that is surer than it is, so that many answers begin alike."""

    def __call__(self, logits: torch.Tensor, *places: Any) -> torch.Tensor:
        return super().__call__(6.0 * logits, *places)


def test_answers_that_begin_alike_are_read_once(monkeypatch):
    head = AnswerHead(load_base(TINY, "cpu").model)
    prompts: list[Prompt | None] = list(some_prompts())
    read: list[int] = []

    def note(self: SharedRows, tokens: np.ndarray, *rest: Any) -> torch.Tensor:
        read.append(len(tokens))
        return step(self, tokens, *rest)

    step = SharedRows.step
    monkeypatch.setattr(SharedRows, "step", note)
    with torch.inference_mode(), head.attached():
        found = decode_side_by_side(head, prompts, 3, stops_at_2, Sure(16), 16)
        expected = _decode_uncached(head, prompts, 3, [2], Sure(16))
    assert found == expected
    for depth, rows in enumerate(read, start=1):
        begun = [
            {tuple(own[:depth]) for own in found[i : i + 16] if own[depth - 1] != 2}
            for i in range(0, 48, 16)
        ]
        assert rows == sum(map(len, begun))
    assert read[0] < 48


def test_logits_are_those_of_each_text_alone_however_many_have_ended():
    head = AnswerHead(build_model(tiny_config(300)).eval())
    prompts = some_prompts()
    texts = {i: list(prompts[i // 2].ids) for i in range(6)}
    with torch.inference_mode(), head.attached():
        _, rows = read_prompts(head, prompts, copies=2, multiple=4)
        assert rows is not None
        for depth, live in enumerate([[0, 1, 2, 3, 4, 5], [0, 2, 3], [0, 3], [3]]):
            tokens = [20 + 7 * depth + i for i in live]
            logits = rows.step(np.array(tokens), np.array(live), np.arange(len(live)), depth)
            for i, token, row in zip(live, tokens, logits, strict=True):
                texts[i].append(token)
                whole = head.model(input_ids=torch.tensor([texts[i]])).logits[0, -1]
                torch.testing.assert_close(row, whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_rows_are_shared_in_bfloat16(device, attention):
    """Kernels of half precision are others than those of float32."""
    tiny = ModelSettings("tiny", "bfloat16", quantization="none", attn_implementation=attention)
    head = AnswerHead(load_base(tiny, device).model)
    with torch.inference_mode(), head.attached():
        assert can_share_rows(head, [some_prompts()], 100)
        assert can_share_rows(head, [some_prompts()] * 5, 100)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_is_given_masks_of_its_own_dtype_beside_float32_adapters(attention):
    """Kernels of half precision refuse others; stacked adapters' weights are a float32 parameter
    of the model, and its first one."""
    tiny = ModelSettings("tiny", "bfloat16", quantization="none", attn_implementation=attention)
    base = load_base(tiny, "cpu")
    adapters = StackedAdapters(base, LoraSettings(), [1, 2])
    seen: list[tuple[str, torch.dtype, torch.dtype]] = []

    def note(layer: torch.nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        states = args[0] if args else kwargs["hidden_states"]
        mask = kwargs["attention_mask"]
        if mask is not None:
            seen.append((when, mask.dtype, states.dtype))

    layers = base.model.get_decoder().layers
    handles = [
        layer.self_attn.register_forward_pre_hook(note, with_kwargs=True) for layer in layers
    ]
    head = AnswerHead(base.model)
    prompts = some_prompts()[:2]
    with trainable(base, adapters), torch.inference_mode(), head.attached():
        assert next(base.model.parameters()).dtype == torch.float32
        base.model.eval()
        adapters.bind()
        when = "prompts"
        _, rows = read_prompts(head, prompts, copies=2)
        assert rows is not None
        when = "continuations"
        rows.step(np.array([7, 8, 9]), np.arange(4), np.array([0, 1, 2, 2]), 0)
    for handle in handles:
        handle.remove()
    # plain attention of sdpa needs no mask for the prompts
    assert {at for at, _, _ in seen} == {"continuations", *(["prompts"] * (attention == "eager"))}
    assert {(mask, states) for _, mask, states in seen} == {(torch.bfloat16, torch.bfloat16)}


def small(kind: str, **own: Any) -> AnswerHead:
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, vocab_size=256, **own)
    return AnswerHead(AutoModelForCausalLM.from_config(config).eval())


SIZES = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1,
}  # fmt: skip


def test_models_that_cannot_share_rows_are_told():
    def can(head: AnswerHead, tokens: int) -> bool:
        with torch.inference_mode(), head.attached():
            return can_share_rows(head, [some_prompts()], tokens)

    assert not can(small("bloom", hidden_size=32, n_layer=2, n_head=2), 50)  # masks of its own
    assert not can(small("lfm2", **SIZES, layer_types=["conv", "full_attention"]), 50)
    windowed = small("mistral", **SIZES, sliding_window=64)
    assert can(windowed, 50) and not can(windowed, 65)


@pytest.mark.parametrize("training", ["stacked", "sequential"])
def test_numbers_are_those_of_rows_apart(table, monkeypatch, training):
    """Untrained, and of several folds' adapters at once."""

    def values() -> dict:
        plan = plan_folds(table, k=3, seed=1)
        settings = LoraSettings(mc_scoring="letters", learning_rate=1e-2, training=training)
        diagnostic = LoraLLMDiagnostic(settings, TINY, OptimizerSettings(), None, "cpu")
        load_base(TINY, "cpu").zero_shot.clear()
        return dict(diagnostic.run_folds(table, plan, plan.folds(), 1))

    monkeypatch.setattr(answers_module, "NEW_TOKENS", {"mc": 1, "num": 3, "open": 3})
    shared = values()
    monkeypatch.setattr(answers_module, "can_share_rows", lambda *a: False)
    apart = values()
    for at, found in shared.items():
        for own, other in ((found.value, apart[at].value),
                           (found.value_zero_shot, apart[at].value_zero_shot)):  # fmt: skip
            assert np.isfinite(other).any()
            np.testing.assert_array_equal(own, other)
