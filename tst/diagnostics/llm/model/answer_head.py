"""Logits at the answer positions only: a vocabulary of 50k to 256k tokens is most of a small model.

The positions are picked out of the hidden states on their way into the language-model head, so that
whatever a model does after it (soft-capping, scaling) still happens, for any architecture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from transformers import Cache, masking_utils

from tst.diagnostics.llm.model.joined_rows import (
    LEAST_ALIKE,
    after_beginning,
    causal_mask,
    common_beginning,
)
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.reading_limits import attention_window

FLOAT_LOGITS = 2**25
"""Logits in float32 at a time: 128 MiB."""
MASKED_KERNELS = [
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
    SDPBackend.FLASH_ATTENTION,
]
"""Of attention under a mask of any size. cuDNN's, which torch prefers on Hopper and newer, plans
each shape anew, and every step of decoding has one of its own."""


class AnswerHead:
    """Runs a causal language model and returns logits (m, vocabulary) at m flat positions.

    Rows are right-padded and attention is causal: no real token sees padding, so no mask is needed
    and the fastest attention kernels apply.

    lower: of a model that is cut, what its lower layers make of texts; None for a whole model
    alike_in: folds whose rows follow each other, and which read a beginning that all rows share
        once each; 0: every row is read whole
    """

    def __init__(self, model: nn.Module, lower: LowerStates | None = None) -> None:
        self.model = model
        self.lower = lower
        self.alike_in = 0
        self._positions: torch.Tensor | None = None
        self.states = torch.empty(0)
        config: Any = model.config
        self._window = attention_window(config)
        # recurrent models have no attention, and the oldest ones make masks in their own way
        attends = model._supports_attention_backend or model._supports_flash_attn
        self._needs_mask = bool(attends) and config._attn_implementation == "eager"

    @contextmanager
    def attached(self) -> Iterator[AnswerHead]:
        """Pick positions from the head's input inside this block."""
        head = self.model.get_output_embeddings()  # type: ignore[operator]
        handle = head.register_forward_pre_hook(self._pick)
        try:
            with _single_text_rows():
                yield self
        finally:
            handle.remove()

    def read(
        self,
        texts: Sequence[Sequence[int] | None],
        input_ids: torch.Tensor,
        positions: torch.Tensor,
    ) -> torch.Tensor:
        """``logits`` of whole texts, without a cache; a cut model runs its upper layers alone.

        texts: token ids of each row of ``input_ids``; None for an empty one
        """
        states = None
        if self.lower is not None:
            states = self.lower.gather(texts, input_ids.shape[1])
        start = self.beginning(texts, positions, input_ids.shape[1])
        if start:
            return self.read_from(start, texts, input_ids, positions, states)[0]
        return self.logits(input_ids, positions, states, use_cache=False)[0]

    def beginning(
        self, texts: Sequence[Sequence[int] | None], positions: torch.Tensor, width: int
    ) -> int:
        """Tokens that all texts begin with and none of the positions lies in; 0: not worth it.

        positions: flat, in rows of this width; column 0 of a row stands for none
        """
        real = [text for text in texts if text is not None]
        if not self.alike_in or len(texts) <= 2 * self.alike_in:
            return 0
        if self._slides(width):
            return 0
        columns = (positions % width).cpu()
        most = min(min(map(len, real)) - 1, int(columns[columns > 0].min()))
        alike = min(most, common_beginning(real))
        return alike if alike >= LEAST_ALIKE else 0

    def read_from(
        self,
        start: int,
        texts: Sequence[Sequence[int] | None],
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        states: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, Any]:
        """``logits`` of texts that share their first ``start`` tokens, which each fold reads once.

        The output's cache is that of whole rows.
        """
        rows, width = input_ids.shape
        device = input_ids.device
        real = next(row for row, text in enumerate(texts) if text is not None)
        first = input_ids[real, :start].expand(self.alike_in, -1)
        shown = None if states is None else states[real, :start].expand(self.alike_in, -1, -1)
        last = torch.arange(1, self.alike_in + 1, device=device) * start - 1
        _, output = self.logits(first, last, shown, use_cache=True)
        row = positions // width
        rest = after_beginning(output.past_key_values, rows // self.alike_in, start, width)
        with sdpa_kernel(MASKED_KERNELS):
            return self.logits(
                input_ids[:, start:],
                row * (width - start) + (positions - row * width - start).clamp(min=0),
                None if states is None else states[:, start:],
                **rest,
            )

    def logits(
        self,
        input_ids: torch.Tensor,
        positions: torch.Tensor,
        states: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, Any]:
        """Logits (m, vocabulary) at flat positions row * L + column, and the model's output.

        states: (rows, L, hidden), of ``LowerStates.gather``, where the lower layers are not to run
        ``states`` is then what the language-model head read at them: (m, hidden).
        """
        width = input_ids.shape[1]
        masked = "attention_mask" in kwargs or self._slides(width)
        if self._needs_mask and width > 1 and not masked:
            dtype = self.model.get_input_embeddings().weight.dtype  # type: ignore[operator]
            kwargs["attention_mask"] = causal_mask(0, width, dtype, input_ids.device)
        served: AbstractContextManager[None] = nullcontext()
        if states is not None:
            assert self.lower is not None
            served = self.lower.cut.serving(states)
        self._positions = positions
        try:
            with served:
                output = self.model(input_ids=input_ids, **kwargs)
        finally:
            self._positions = None
        return output.logits[0], output

    def _slides(self, width: int) -> bool:
        """Whether rows are wider than the model's sliding window: their mask is its own."""
        return self._window is not None and width > self._window

    def _pick(self, _: nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        if self._positions is None:
            return args
        hidden = args[0]
        # a base spread over GPUs has its head on the last of them
        positions = self._positions.to(hidden.device)
        self.states = hidden.reshape(-1, hidden.shape[-1]).index_select(0, positions)
        return (self.states[None], *args[1:])  # what follows the head may want three dimensions


def kept_state(output: Any) -> tuple[str, Any]:
    """The argument that takes what a model keeps of a text, and that; None where it keeps none."""
    for name in ("past_key_values", "cache_params"):  # attention and mixtures; recurrent models
        if isinstance(output.get(name), Cache):
            return name, output[name]
    return "", None


def padded_cache(output: Any) -> Any:
    """The key-value cache that right-padded prompts left; None where a model keeps another state.

    A recurrent state has read the padding and cannot go on from the prompt.
    """
    cache = output.get("past_key_values")
    if cache is None or any(hasattr(layer, "conv_states") for layer in cache.layers):
        return None
    return cache


@contextmanager
def _single_text_rows() -> Iterator[None]:
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


def answer_losses(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """weight x cross-entropy of each target token (m,), in float32; the loss is their sum.

    Many logits are turned to float32 a part at a time, and again for the gradient: a long response
    over a vocabulary of 256k tokens would take gigabytes at once.
    """
    rows = max(1, FLOAT_LOGITS // logits.shape[1])
    if len(logits) <= rows:
        return _cross_entropy(logits, targets) * weights
    parts = [
        checkpoint(_cross_entropy, part, wanted, use_reentrant=False, preserve_rng_state=False)
        for part, wanted in zip(logits.split(rows), targets.split(rows), strict=True)
    ]
    return torch.cat(parts) * weights


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits.float(), targets, reduction="none")
