"""Logits at the answer positions only: a vocabulary of 50k to 256k tokens is most of a small model.

The positions are picked out of the hidden states on their way into the language-model head, so that
whatever a model does after it (soft-capping, scaling) still happens, for any architecture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import masking_utils


class AnswerHead:
    """Runs a causal language model and returns logits (m, vocabulary) at m flat positions.

    Rows are right-padded and attention is causal: no real token sees padding, so no mask is needed
    and the fastest attention kernels apply.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._positions: torch.Tensor | None = None

    @contextmanager
    def attached(self) -> Iterator[AnswerHead]:
        """Pick positions from the head's input inside this block."""
        head = self.model.get_output_embeddings()  # type: ignore[operator]
        handle = head.register_forward_pre_hook(self._pick)
        try:
            with _one_text_a_row():
                yield self
        finally:
            handle.remove()

    def logits(
        self, input_ids: torch.Tensor, positions: torch.Tensor, **kwargs: Any
    ) -> tuple[torch.Tensor, Any]:
        """Logits (m, vocabulary) at flat positions row * L + column, and the model's output."""
        self._positions = positions
        try:
            output = self.model(input_ids=input_ids, **kwargs)
        finally:
            self._positions = None
        return output.logits, output

    def _pick(self, _: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        if self._positions is None:
            return args
        hidden = args[0]
        return (hidden.reshape(-1, hidden.shape[-1]).index_select(0, self._positions), *args[1:])


@contextmanager
def _one_text_a_row() -> Iterator[None]:
    """Rows here hold one text each: spare transformers the search for packed ones.

    It reads positions back from the device in every forward pass, and while a CUDA graph is being
    captured, when it cannot, it gives up plain causal attention for a full mask.
    """
    search, tracing = masking_utils.find_packed_sequence_indices, masking_utils.is_tracing
    masking_utils.find_packed_sequence_indices = lambda position_ids: None
    masking_utils.is_tracing = lambda tensor=None: False
    try:
        yield
    finally:
        masking_utils.find_packed_sequence_indices = search
        masking_utils.is_tracing = tracing


def answer_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum over target tokens of weight x cross-entropy, in float32."""
    losses = nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return (losses * weights).sum()
