"""The loss of a training pass: target tokens, the right option, number slots."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from tst.diagnostics.llm.model.answer_head import answer_losses
from tst.diagnostics.llm.model.trained_head import number_scores, option_scores

ALONGSIDE = 1e-4
"""Weight of a head that must not disturb what is learned from tokens: its gradient vanishes in the
norm that is clipped, and AdamW's steps do not depend on its scale."""


def pass_losses(
    logits: torch.Tensor,
    states: torch.Tensor,
    inputs: Mapping[str, torch.Tensor],
    head: torch.Tensor | None,
    yes_no: tuple[int, int] | None,
    folds: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted losses (m,) of a pass, and the fold of each (m,); the pass's loss is their sum.

    logits: (m, vocabulary) and states: (m, hidden), at the batch's flat positions
    inputs: ``Batch.inputs``; rows of input_ids may have been joined (``join_rows``)
    head: the folds' trained heads (folds, hidden, columns); None where no choice is learned
    yes_no: tokens whose logits score an option; None where options are letters: the adapter then
        learns from target tokens alone, and number slots from the states that this makes
    """
    rows = len(inputs["goals"])
    of_row = torch.arange(rows, device=logits.device) // (rows // folds)
    parts, of = [], []
    if len(inputs["targets"]):
        parts.append(answer_losses(logits, inputs["targets"], inputs["weights"]))
        of.append(inputs["positions"] // (inputs["input_ids"].numel() // folds))
    if inputs["goals"].shape[1]:
        by_row = logits.view(rows, -1, logits.shape[-1]), states.view(rows, -1, states.shape[-1])
        assert yes_no is not None
        scores = option_scores(*by_row, head, yes_no)
        parts.append(_cross_entropy(scores + inputs["offsets"], inputs["goals"]))
        of.append(of_row)
    if inputs["number_goals"].shape[1]:
        assert head is not None
        first = states.view(rows, -1, states.shape[-1])[:, 0]
        scores = number_scores(first.detach() if yes_no is None else first, head)
        losses = _cross_entropy(scores + inputs["number_offsets"], inputs["number_goals"])
        parts.append(ALONGSIDE * losses if yes_no is None else losses)
        of.append(of_row)
    return torch.cat(parts), torch.cat(of)


def _cross_entropy(scores: torch.Tensor, goals: torch.Tensor) -> torch.Tensor:
    """(rows,), each goal's weight times its surprise; goals of 0 everywhere cost nothing."""
    return -(goals * torch.log_softmax(scores, dim=1)).sum(dim=1)
