"""What training left at each optimizer step, fold by fold; nothing waits for the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch


class LossTrace:
    """Each fold's loss in every step, added up over the step's passes.

    ``now`` stays where it is, so that a captured pass may write to it; ``keep`` copies it.
    """

    def __init__(self, folds: int, device: torch.device) -> None:
        self.now = torch.zeros(folds, device=device)
        self._kept: list[torch.Tensor] = []

    def begin(self) -> None:
        """A step begins."""
        self.now.zero_()

    def note(self, losses: torch.Tensor, positions: torch.Tensor, input_ids: torch.Tensor) -> None:
        """Add up weighted token losses (m,) by the fold that their flat positions lie in."""
        of_a_fold = input_ids.numel() // len(self.now)
        self.now.index_add_(0, positions // of_a_fold, losses.detach().float())

    def keep(self) -> None:
        """The step whose passes were noted counts."""
        self._kept.append(self.now.clone())

    def forget(self) -> None:
        """What was kept was a probe."""
        self._kept.clear()

    def by_step(self) -> np.ndarray:
        """float array (folds, steps): the mean loss of each optimizer step's target tokens."""
        losses: np.ndarray = torch.stack(self._kept, dim=1).cpu().numpy()
        return losses


def training_history(
    losses: np.ndarray, rates: np.ndarray, tokens: Sequence[int], epochs: float
) -> pd.DataFrame:
    """One row an optimizer step of a fold: step, epoch, loss, learning_rate, tokens (so far).

    losses: of at least as many steps as the fold has
    rates: its learning rates; tokens: those fed in at each of its steps
    """
    n = len(tokens)
    steps = np.arange(1, n + 1)
    return pd.DataFrame(
        {
            "step": steps,
            "epoch": epochs * steps / n,
            "loss": losses[:n].astype(float),
            "learning_rate": rates[:n].astype(float),
            "tokens": np.cumsum(tokens),
        }
    )


def join_histories(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Histories of a fold's adapters (one a format) as one; steps, epochs and tokens count on."""
    joined: list[pd.DataFrame] = []
    for part in parts:
        if joined:
            last = joined[-1].iloc[-1]
            part = part.assign(
                **{c: part[c] + last[c] for c in ("step", "epoch", "tokens")}
            ).astype({"step": int, "tokens": int})
        joined.append(part)
    return pd.concat(joined, ignore_index=True)
