"""The uppermost layer's MLP at the positions that are read, and nowhere else.

Attention is done by then: nothing of what the MLP makes of other tokens is ever seen. It is three
quarters of a layer's products, forward and backward.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.trials import FAILURES, PROBE, agree


def uppermost_mlp(model: Any, folds: int) -> nn.Module | None:
    """The MLP of the decoder's last layer; None where it cannot run by itself.

    model: with the adapters of so many folds; without dropout
    """
    end = f".{model.config.get_text_config().num_hidden_layers - 1}.mlp"
    found = [module for name, module in model.named_modules() if name.endswith(end)]
    if len(found) != 1:
        return None
    try:
        same = _is_like_whole(model, found[0], folds)
    except FAILURES:
        return None
    return found[0] if same else None


@contextmanager
def running_at(mlp: nn.Module, positions: torch.Tensor) -> Iterator[None]:
    """In this block an MLP runs at flat positions of its rows alone, and gives 0 elsewhere.

    positions: fold-major and as many of each fold, where there are adapters of several
    """
    shape = torch.Size()

    def take(_: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        nonlocal shape
        shape = args[0].shape
        return (args[0].flatten(0, 1).index_select(0, positions)[None], *args[1:])

    def put_back(_: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        whole = output.new_zeros(shape[0] * shape[1], shape[2])
        # a position that is named twice adds up to what it is, and so does its gradient
        times = torch.bincount(positions, minlength=len(whole))[positions]
        return whole.index_add(0, positions, output[0] / times[:, None]).view(shape)

    handles = [mlp.register_forward_pre_hook(take), mlp.register_forward_hook(put_back)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def _is_like_whole(model: Any, mlp: nn.Module, folds: int) -> bool:
    """Whether logits are those of the whole layer; one position of each fold is read twice."""
    ids = torch.tensor(PROBE * folds, device=model.device)
    first = torch.arange(folds, device=model.device)[:, None] * ids[: len(PROBE)].numel()
    positions = (first + torch.tensor([2, 2, 4, 8], device=model.device)).flatten()
    head = AnswerHead(model)
    with head.attached():
        whole = head.logits(ids, positions, use_cache=False)[0]
        with running_at(mlp, positions):
            alone = head.logits(ids, positions, use_cache=False)[0]
    return agree(alone, whole, model.dtype)
