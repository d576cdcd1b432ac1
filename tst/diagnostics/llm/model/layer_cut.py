"""A decoder cut in two: frozen layers below, which never change, and layers with adapters above.

What the layers below make of a text is the same for every fold, epoch and pass. Here they run by
themselves, or are passed over while the layers above start from what they gave. Nothing in it
depends on a model's name: layers are passed over in their places, so that whatever a model looks up
by a layer's number (kind of attention, rotary base) stays right, and masks and positions are made
by the model itself, as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from tst.core.errors import UserError
from tst.diagnostics.llm.model.joined_rows import after_beginning
from tst.diagnostics.llm.model.layers import decoder_blocks, language_model
from tst.diagnostics.llm.model.trials import FAILURES, PROBE, agree


class LayerCut:
    """The upper ``top`` layers of a model, and all below them.

    Raises UserError where the model has no more layers than that, or where its layers hand on more
    than one state: the cut is tried on a short text, and must give the logits of the whole model.
    """

    def __init__(self, model: PreTrainedModel, top: int) -> None:
        self.model = model
        blocks = decoder_blocks(model)[1]
        self.below, self.above = list(blocks[:-top]), list(blocks[-top:])
        self._beside: int | None = None  # what a layer returns beside its state; None: no tuple
        try:
            same = self._is_like_whole()
        except FAILURES as cause:
            raise _not_cut(model, top) from cause
        if not same:
            raise _not_cut(model, top)

    @torch.no_grad()
    def lower_states(self, input_ids: torch.Tensor, start: int = 0) -> torch.Tensor:
        """What the layers above the cut read, (rows, width, hidden), of ids (rows, width).

        start: tokens that all rows begin with, to be read once; fewer than the width
        """
        read: list[torch.Tensor] = []

        def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            read.append(args[0] if args else kwargs["hidden_states"])

        def note_form(_: nn.Module, args: Any, output: Any) -> None:
            self._beside = len(output) - 1 if isinstance(output, tuple) else None

        with ExitStack() as stack:
            stack.enter_context(self._passed_over(self.above))
            for handle in (
                self.above[0].register_forward_pre_hook(note, with_kwargs=True),
                self.below[-1].register_forward_hook(note_form),
            ):
                stack.callback(handle.remove)
            decoder = language_model(self.model)
            if not start:
                decoder(input_ids=input_ids, use_cache=False)
                return read[0]
            rows, width = input_ids.shape
            output = decoder(input_ids=input_ids[:1, :start], use_cache=True)
            rest = after_beginning(output.past_key_values, rows, start, width)
            decoder(input_ids=input_ids[:, start:], **rest)
        return torch.cat([read[0].expand(rows, -1, -1), read[1]], dim=1)

    @contextmanager
    def serving(self, states: torch.Tensor) -> Iterator[None]:
        """In this block the model's layers above the cut start from these states.

        states: (rows, width, hidden), of the rows that the model is given
        """
        with self._passed_over(self.below, states):
            yield

    @contextmanager
    def _passed_over(
        self, layers: Sequence[nn.Module], states: torch.Tensor | None = None
    ) -> Iterator[None]:
        """Let layers hand on what they are given, the first of them ``states`` instead."""
        before = [vars(layer).get("forward") for layer in layers]
        for layer in layers:
            vars(layer)["forward"] = self._hand_on
        if states is not None:
            given = states

            def start(hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
                if hidden_states.requires_grad:  # gradient checkpointing asks inputs for one
                    return self._hand_on(given.detach().requires_grad_(True))
                return self._hand_on(given)

            vars(layers[0])["forward"] = start
        try:
            yield
        finally:
            for layer, forward in zip(layers, before, strict=True):
                del vars(layer)["forward"]
                if forward is not None:
                    vars(layer)["forward"] = forward

    def _hand_on(self, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if self._beside is None:
            return hidden_states
        return (hidden_states, *[None] * self._beside)

    @torch.no_grad()
    def _is_like_whole(self) -> bool:
        """Whether the cut model's logits are the whole model's."""
        ids = torch.tensor(PROBE, device=self.model.device)
        whole = self.model(input_ids=ids, use_cache=False).logits
        states = self.lower_states(ids)
        if states.shape[:2] != ids.shape or states.dim() != 3:
            return False
        with self.serving(states):
            cut = self.model(input_ids=ids, use_cache=False).logits
        return agree(cut, whole, self.model.dtype)


def _not_cut(model: PreTrainedModel, top: int) -> UserError:
    return UserError(
        f"diagnostic.top_layers={top}: the layers of {type(model).__name__} hand on more than one "
        "state, so that the lower ones cannot be run apart. Use diagnostic.top_layers=all."
    )
