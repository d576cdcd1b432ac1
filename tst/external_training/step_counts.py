"""The batch that a training had, as the steps that its trainer counted tell.

A YAML states the batch of one GPU. On several, or with gradients accumulated by a command line,
batches are larger and steps fewer; packed rows make fewer steps as well. That is another training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CountedSteps:
    """One fold's training: rows, epochs, and the optimizer steps that its trainer planned."""

    rows: int
    epochs: float
    planned: int

    def with_batch(self, size: int) -> bool:
        """Whether batches of this size make the planned steps."""
        return count_steps(self.rows, size, self.epochs) == self.planned


def count_steps(rows: int, batch_size: int, epochs: float) -> int:
    """Optimizer steps of a training, counted as transformers' Trainer does."""
    return max(1, math.ceil(math.ceil(rows / batch_size) * epochs - 1e-9))


def find_batch(stated: int, trainings: Sequence[CountedSteps]) -> int | None:
    """The smallest multiple of the stated batch that makes the planned steps of all trainings.

    None where no multiple does.
    """
    most = max(training.rows for training in trainings)
    for size in range(stated, most + stated, stated):
        if all(training.with_batch(size) for training in trainings):
            return size
    return None
