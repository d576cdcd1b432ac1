"""Scores of choices beside the language model's own: a trained scalar per option, slots of numbers.

A head reads the state that the language-model head reads, scaled to a root mean square of 1. Column
0 of its weights adds to an option's logit(" yes") - logit(" no"); the others score number slots.
"""

from __future__ import annotations

import torch
from torch import nn

from tst.diagnostics.llm.scoring.number_candidates import SLOTS

COLUMNS = 1 + SLOTS
EPSILON = 1e-6


class TrainedHead(nn.Module):
    """One fold's head as a module, so that Trainer finds its weight; starts at zero."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, hidden, COLUMNS))


def option_scores(
    logits: torch.Tensor, states: torch.Tensor, weight: torch.Tensor | None, yes_no: tuple[int, int]
) -> torch.Tensor:
    """Scores (rows, p) of the options that end at p positions per row, in float32.

    logits: (rows, p, vocabulary); states: (rows, p, hidden)
    weight: (folds, hidden, COLUMNS), rows fold-major; None for a model without a trained head
    """
    yes, no = yes_no
    scores = logits[..., yes].float() - logits[..., no].float()
    if weight is None:
        return scores
    added = _read(states, weight[:, :, :1])
    return scores + added.view(scores.shape)


def number_scores(states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Scores (rows, SLOTS) of number slots from states (rows, hidden), in float32."""
    return _read(states, weight[:, :, 1:]).view(len(states), -1)


def _read(states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(folds, rows x p of a fold, columns)."""
    with torch.autocast(states.device.type, enabled=False):
        h = states.float()
        h = h * torch.rsqrt(h.square().mean(-1, keepdim=True) + EPSILON)
        return torch.bmm(h.reshape(len(weight), -1, h.shape[-1]), weight.float())
