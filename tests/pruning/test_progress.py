"""What is told while a pruning runs: log lines, or a bar on a terminal."""

import io
import logging
import sys

from tst.pruning.loop import Iteration
from tst.pruning.progress import PruningProgress, showing_progress


def test_the_time_left_is_told_until_nothing_is(caplog):
    progress = PruningProgress(budget=20, batch=10, refresh=2, bar=None)

    def step(number: int, removed: list[str], total: int) -> str:
        caplog.clear()
        seeds = [0, 1, 2, 3, 4] if number == 0 else [0, 1]
        scores = (0.5, 0.5, 0.25, 0.3, 0.3, 0.9, 0.8)
        progress(Iteration(number, 50, seeds, *scores, removed, 3.0 * len(seeds)), total)
        return caplog.text

    with caplog.at_level(logging.INFO, logger="tst"):
        # one more batch, then the final state: two iterations of two runs of 3 s
        assert "10 of 20 removed, about 0:00:12 left" in step(0, ["a"] * 10, 10)
        assert "20 of 20 removed, about 0:00:06 left" in step(1, ["b"] * 10, 20)
        assert "left" not in step(2, [], 20)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar_with_the_curve(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with showing_progress(20, 10, 2) as progress:
        progress(Iteration(0, 50, [0], 0.5, 0.5, 0.25, 0.3, 0.3, 0.9, 0.8, ["a"] * 10, 3.0), 10)
        assert "10 of 20 removed, iteration 0, adjusted 30.0 -> 30.0, about" in shown.getvalue()
