"""The last MLP at the positions that are read: the same logits and the same gradients."""

from __future__ import annotations

import pytest
import torch

from tests.diagnostics.llm.model.test_lower_states import CONFIGS, TEXTS, model_of, padded
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.uppermost_mlp import running_at, uppermost_mlp


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gemma2", "gpt2"])
def test_gradients_are_those_of_a_whole_layer(kind):
    model = model_of(CONFIGS[kind]).requires_grad_(True)
    mlp = uppermost_mlp(model, folds=1)
    assert mlp is not None
    ids, _ = padded(TEXTS, 8)
    positions = torch.tensor([2, 1, 1, 8, 13, 13, 13, 16])  # places named several times, too
    weights = torch.linspace(-1.0, 2.0, len(positions))[:, None]
    seen: list[int] = []
    mlp.register_forward_hook(lambda _, args, output: seen.append(args[0].shape[1]))
    found = []
    for alone in (False, True):
        head = AnswerHead(model)
        model.zero_grad()
        with head.attached():
            if alone:
                with running_at(mlp, positions):
                    logits, _ = head.logits(ids, positions, use_cache=False)
            else:
                logits, _ = head.logits(ids, positions, use_cache=False)
        (logits * weights).square().sum().backward()
        found.append([logits.detach()] + [p.grad.clone() for p in model.parameters()])
    assert seen == [8, len(positions)]
    for whole, again in zip(*found, strict=True):
        torch.testing.assert_close(again, whole, rtol=1e-4, atol=1e-5 * float(whole.abs().max()))


def test_a_model_without_one_has_none():
    assert uppermost_mlp(model_of(CONFIGS["mamba"]), folds=1) is None


def test_an_mlp_that_mixes_tokens_keeps_them():
    model = model_of(CONFIGS["llama"])
    for weight in model.parameters():  # as if trained: the MLP matters
        weight.data.mul_(8.0)
    mlp = model.get_decoder().layers[-1].mlp
    assert uppermost_mlp(model, folds=1) is mlp
    mlp.gate_proj.register_forward_pre_hook(
        lambda _, args: (args[0] + args[0].mean(1, keepdim=True),)
    )
    assert uppermost_mlp(model, folds=1) is None
