"""Progress of a pruning: a live line on a terminal, log lines otherwise."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tqdm import tqdm

from tst.pruning.loop import Iteration

log = logging.getLogger("tst")


FORMAT = "{bar} {n:.0f} of {total:.0f} removed, {desc}"


class PruningProgress:
    """Reports every iteration, with the curve so far and an estimate of the remaining time."""

    def __init__(self, budget: int, batch: int, refresh: int, bar: tqdm[Any] | None) -> None:
        self.budget = budget
        self.batch = batch
        self.refresh = refresh
        self.bar = bar
        self.first: float | None = None
        self.runs = 0
        self.seconds = 0.0

    def __call__(self, iteration: Iteration, removed: int) -> None:
        self.first = iteration.adjusted_hard if self.first is None else self.first
        self.runs += len(iteration.seeds)
        self.seconds += iteration.seconds
        curve = f"adjusted {100 * self.first:.1f} -> {100 * iteration.adjusted_hard:.1f}"
        left = ""
        if iteration.removed:  # none are removed in the final state
            left = f", about {timedelta(seconds=round(self.seconds_left(removed)))} left"
        if self.bar is not None:
            self.bar.set_description_str(
                f"iteration {iteration.number}, {curve}{left}", refresh=False
            )
            self.bar.update(removed - self.bar.n)
            self.bar.refresh()
            return
        log.info(
            "iteration %d: n %d, score %.1f, %s; %d of %d removed%s",
            iteration.number, iteration.n, 100 * iteration.score_hard, curve, removed,
            self.budget, left,
        )  # fmt: skip

    def seconds_left(self, removed: int) -> float:
        """Number of remaining cross-validations times their mean duration so far."""
        batches = -(-(self.budget - removed) // self.batch)
        return (batches + 1) * self.refresh * self.seconds / self.runs


@contextmanager
def showing_progress(budget: int, batch: int, refresh: int) -> Iterator[PruningProgress]:
    """A PruningProgress on standard error, with a progress bar where that is a terminal."""
    if not sys.stderr.isatty():
        yield PruningProgress(budget, batch, refresh, None)
        return
    with tqdm(total=max(budget, 1), bar_format=FORMAT, desc="the first diagnosis") as bar:
        yield PruningProgress(budget, batch, refresh, bar)
