"""Rows are shared by models that read them rightly, however much they round, and by no other."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch

from tests.diagnostics.llm.scoring.test_decoding import some_prompts
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.tiny_model import build_model, tiny_config
from tst.diagnostics.llm.scoring import row_trial
from tst.diagnostics.llm.scoring.row_trial import can_share_rows

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
    assert tried(head)
    row_trial._found.clear()
    head.model.register_forward_pre_hook(change, with_kwargs=True)
    with caplog.at_level(logging.WARNING):
        assert not tried(head)
        assert not tried(head)
    told = [r.message for r in caplog.records if "one by one" in r.message]
    assert len(told) == 1 and "side by side logits are" in told[0]


def test_one_that_rounds_much_is_accepted(monkeypatch):
    """As far off as two ways of reading that are both right are from each other."""
    head = tiny(torch.float32)
    apart = iter([0.19, 0.08])
    monkeypatch.setattr(row_trial, "_apart", lambda *both: next(apart))
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
