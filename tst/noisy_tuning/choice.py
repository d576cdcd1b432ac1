"""The learning rate and filter share of each contender: chosen once, on seeds of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

CHOOSING_KIND, CHOOSING_SHARE, CHOOSING_SCHEDULE = "shuffled", 0.3, "plain"
CHOOSING_SEEDS = (10, 11)
"""Where learning rates and filter shares are chosen, once for all corruptions and schedules; no
comparison uses these seeds."""


@dataclass(frozen=True, order=True)
class Variant:
    """What is tuned of a contender."""

    learning_rate: float
    filter_share: float = 0.0

    def __str__(self) -> str:
        share = f", filter share {self.filter_share:g}" if self.filter_share else ""
        return f"learning rate {self.learning_rate:g}{share}"


def choose(losses: Mapping[Variant, Mapping[int, float]]) -> Variant | None:
    """The variant with the lowest mean loss on held-out clean pairs over CHOOSING_SEEDS.

    losses: after training, by variant and seed. A variant without a finite loss for each of these
    seeds is never chosen; of equal ones the lower learning rate is. None where none can be.
    """
    means = {
        variant: sum(by_seed[seed] for seed in CHOOSING_SEEDS) / len(CHOOSING_SEEDS)
        for variant, by_seed in losses.items()
        if all(math.isfinite(by_seed.get(seed, math.nan)) for seed in CHOOSING_SEEDS)
    }
    return min(means, key=lambda variant: (means[variant], variant)) if means else None
