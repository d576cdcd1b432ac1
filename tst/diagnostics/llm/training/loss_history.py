"""The loss of each optimizer step, per fold; nothing waits for the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch


class LossHistory:
    """Each fold's loss in every step, added up over the step's passes.

    ``current`` keeps its address, so that a captured pass can write to it; ``end_step`` copies it.
    """

    def __init__(self, folds: int, device: torch.device) -> None:
        self.current = torch.zeros(folds, device=device)
        self._steps: list[torch.Tensor] = []

    def begin_step(self) -> None:
        """A step begins."""
        self.current.zero_()

    def add(self, losses: torch.Tensor, folds: torch.Tensor) -> None:
        """Add up weighted losses (m,) by the fold (m,) that each belongs to."""
        self.current.index_add_(0, folds, losses.detach().float())

    def end_step(self) -> None:
        """Keep the losses of the step whose passes were added."""
        self._steps.append(self.current.clone())

    def clear(self) -> None:
        """Forget all steps: they were a probe."""
        self._steps.clear()

    def by_step(self) -> np.ndarray:
        """float array (folds, steps): the mean loss of each optimizer step's target tokens."""
        losses: np.ndarray = torch.stack(self._steps, dim=1).cpu().numpy()
        return losses


def training_history(
    losses: np.ndarray, rates: np.ndarray, tokens: Sequence[int], epochs: float
) -> pd.DataFrame:
    """One row per optimizer step of a fold: step, epoch, loss, learning_rate, tokens (so far).

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


def mean_history(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The histories of adapters that were trained alike as one: mean losses, all their tokens.

    They may differ by a few steps; the shortest counts.
    """
    steps = min(map(len, parts))
    mean = parts[0].head(steps).copy()
    mean["loss"] = np.mean([part["loss"].to_numpy()[:steps] for part in parts], axis=0)
    mean["tokens"] = np.sum([part["tokens"].to_numpy()[:steps] for part in parts], axis=0)
    return mean


def join_histories(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Histories of a fold's adapters (one per format) as one; steps, epochs and tokens count on."""
    joined: list[pd.DataFrame] = []
    for part in parts:
        if joined:
            last = joined[-1].iloc[-1]
            part = part.assign(
                **{c: part[c] + last[c] for c in ("step", "epoch", "tokens")}
            ).astype({"step": int, "tokens": int})
        joined.append(part)
    return pd.concat(joined, ignore_index=True)
