"""Rows are shared by models that read them rightly, however much they round, and by no other."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch

from tests.diagnostics.llm.scoring.test_decoding import some_prompts
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.tiny_model import build_model, tiny_config
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.scoring import row_trial
from tst.diagnostics.llm.scoring.row_trial import can_share_rows
from tst.diagnostics.llm.scoring.side_by_side import read_prompts

FOLDS = [some_prompts()] * 2


def tiny(dtype: torch.dtype) -> AnswerHead:
    return AnswerHead(build_model(tiny_config(300, layers=4)).eval().to(dtype))


def tried(head: AnswerHead) -> bool:
    with torch.inference_mode(), head.attached():
        return can_share_rows(head, FOLDS, 100)


def all_seen(kwargs: dict[str, Any]) -> None:
    """A model that makes its own mask: every token sees all that came before."""
    if kwargs["attention_mask"] is not None and kwargs["attention_mask"].dim() == 4:
        kwargs["attention_mask"] = torch.zeros_like(kwargs["attention_mask"])


def own_seen(kwargs: dict[str, Any]) -> None:
    """Neighbours in a row see each other; the padding of the prompts stays hidden."""
    mask = kwargs["attention_mask"]
    if mask is not None and mask.dim() == 4:
        kwargs["attention_mask"] = mask.amax(2, keepdim=True).expand_as(mask)


def counted_on(kwargs: dict[str, Any]) -> None:
    """Positions are counted over the row, whatever is asked for."""
    mask = kwargs["attention_mask"]
    if mask is not None and mask.dim() == 4:
        width, ids = mask.shape[-1], kwargs["input_ids"]
        at = torch.arange(width - ids.shape[1], width)
        kwargs["position_ids"] = at[None].expand_as(ids)


def noisy(kwargs: dict[str, Any]) -> None:
    """Masks of shared rows come out a little different."""
    mask = kwargs["attention_mask"]
    if mask is not None and mask.dim() == 4:
        kwargs["attention_mask"] = mask + torch.randn(mask.shape, dtype=mask.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("wrong", [all_seen, own_seen, counted_on, noisy])
def test_a_model_that_reads_shared_rows_wrongly_is_refused(wrong, dtype, caplog):
    head = tiny(dtype)

    def change(_: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        kwargs = dict(kwargs) | {"attention_mask": kwargs.get("attention_mask")}
        wrong(kwargs)
        return args, kwargs

    for p in head.model.parameters():  # as if trained: attention and places matter
        p.data.mul_(4.0)
    with caplog.at_level(logging.WARNING):
        assert tried(head), caplog.text
    row_trial._found.clear()
    head.model.register_forward_pre_hook(change, with_kwargs=True)
    with caplog.at_level(logging.WARNING):
        assert not tried(head)
        assert not tried(head)
    told = [r.message for r in caplog.records if "one by one" in r.message]
    assert len(told) == 1 and "side by side logits are" in told[0]


def test_one_that_rounds_much_is_accepted(monkeypatch):
    """As far off as two ways of reading that are both right are from each other."""
    head = tiny(torch.bfloat16)
    apart = iter([0.19, 0.08])
    monkeypatch.setattr(row_trial, "_apart", lambda *both: next(apart))
    assert tried(head)


def test_nothing_is_found_of_a_model_without_prompts():
    head = tiny(torch.float32)
    assert not can_share_rows(head, [[], []], 100)
    assert head.model not in row_trial._found
    assert tried(head)


def test_an_error_is_named_once(caplog):
    head = tiny(torch.float32)

    def fail(*_: Any, **kwargs: Any) -> None:
        if kwargs.get("past_key_values") is not None:
            raise RuntimeError("no masks of four dimensions")

    head.model.get_decoder().layers[0].register_forward_pre_hook(
        lambda layer, args, kwargs: (
            fail(**kwargs) if kwargs.get("attention_mask") is not None else None
        ),
        with_kwargs=True,
    )
    with caplog.at_level(logging.WARNING):
        assert not tried(head) and not tried(head)
    told = [r.message for r in caplog.records if "one by one" in r.message]
    assert len(told) == 1 and "RuntimeError: no masks" in told[0]


ALIKE = [7, 99, 30, 41, 5, 12, 77, 101, 64, 23]
"""What all prompts below begin with."""


def begun_alike() -> list[Prompt]:
    return [Prompt([*ALIKE, *prompt.ids]) for prompt in some_prompts() * 2]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("top", [None, 1])
def test_a_beginning_that_all_prompts_share_is_read_once_per_fold(attention, top):
    """Whole texts with the logits at several places, and caches that go on; empty rows too."""
    model = build_model(tiny_config(300, layers=3)).eval()
    model.set_attn_implementation(attention)
    prompts: list[Prompt | None] = [None, *begun_alike(), *begun_alike(), None]
    ids, _ = collate_prompts(prompts, 4)
    texts = [None if prompt is None else prompt.ids for prompt in prompts]
    places = [(0, 0), (1, 11), (1, 12), (4, 14), (8, 12), (9, 20), (13, 0)]
    positions = torch.tensor([row * ids.shape[1] + column for row, column in places])
    read: list[int] = []
    model.get_decoder().layers[-1].register_forward_pre_hook(
        lambda layer, args, kwargs: read.append(args[0][..., 0].numel()), with_kwargs=True
    )

    def all_read(alike_in: int) -> list[torch.Tensor]:
        head = AnswerHead(model, None if top is None else LowerStates(LayerCut(model, top)))
        head.alike_in = alike_in
        read.clear()
        with torch.inference_mode(), head.attached():
            found = [head.read(texts, ids, positions)[1:-1]]
            if top is None:
                first, rows = read_prompts(head, prompts, copies=2)
                more = rows.step(np.array([7, 8, 9]), np.array([2, 3, 6]), np.arange(3), 0)
                found += [first[1:-1], more]
        return found

    expected = all_read(0)
    tokens = sum(read)
    for whole, alike in zip(expected, all_read(2), strict=True):
        torch.testing.assert_close(alike, whole, rtol=1e-4, atol=1e-5)
    ways = 1 if top is not None else 2
    assert tokens - sum(read) == ways * (len(prompts) - 2) * len(ALIKE)


def test_texts_that_are_read_within_their_beginning_are_read_whole():
    head = tiny(torch.float32)
    head.alike_in = 1
    texts = [[*ALIKE, 5], [*ALIKE, 6, 7], [*ALIKE, 6, 8]]
    assert head.beginning(texts, torch.tensor([10, 20 + 11, 40 + 11]), 20) == len(ALIKE)
    assert head.beginning(texts, torch.tensor([10, 20 + 8, 40 + 11]), 20) == 8
    assert head.beginning(texts, torch.tensor([10, 20 + 3, 40 + 11]), 20) == 0
    assert head.beginning([*texts, [9] * 12], torch.tensor([10]), 20) == 0
    assert head.beginning(texts[:2], torch.tensor([10, 31]), 20) == 0, "two rows: not worth it"
