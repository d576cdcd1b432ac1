import logging
import sys
from types import SimpleNamespace

import pytest

from tst.core import progress
from tst.core.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that a test moves on by hand."""
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now.seconds)
    return now


def said(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_away_from_a_terminal_a_line_says_how_far_it_is(clock, caplog):
    with caplog.at_level(logging.INFO), Progress("zero-shot", 10, "question") as shown:
        assert (shown.title, shown.total, shown.unit) == ("zero-shot", 10, "question")
        clock.seconds += 15.0
        shown.advance()
        assert said(caplog) == []  # no more often than every 15 seconds
        clock.seconds += 1.0
        shown.advance(3)
        assert said(caplog) == ["zero-shot: question 4 of 10, 24 s left"]
        clock.seconds += 10.0
        shown.advance()
        assert len(said(caplog)) == 1
        clock.seconds += 6.0
        shown.advance()
        assert said(caplog)[1:] == ["zero-shot: question 6 of 10, 21 s left"]
        clock.seconds += 60.0
        shown.advance(4)
    assert len(said(caplog)) == 2  # what is done needs no line


def test_what_is_done_together_is_counted_in_passes(clock, caplog):
    with caplog.at_level(logging.INFO), Progress("folds", 10, "fold", together=5) as shown:
        clock.seconds += 60.0
        shown.advance()
        assert said(caplog) == ["folds: fold 1 of 10, 60 s left"]  # one more pass of five folds
        clock.seconds += 60.0
        shown.advance(5)
        shown.advance(3)
    assert len(said(caplog)) == 1  # the last pass has ended: its other folds follow at once


def test_nothing_done_is_no_news(clock, caplog):
    with caplog.at_level(logging.INFO), Progress("zero-shot", 10, "question") as shown:
        clock.seconds += 60.0
        shown.advance(0)
    assert said(caplog) == []


class Bar:
    """Stands in for a terminal's bar."""

    def __init__(self, **options) -> None:
        self.options, self.done, self.closed = options, 0, False

    def update(self, count: int) -> None:
        self.done += count

    def close(self) -> None:
        self.closed = True


def test_on_a_terminal_there_is_a_bar(clock, caplog, monkeypatch):
    bars: list[Bar] = []
    monkeypatch.setattr(progress, "tqdm", lambda **options: bars.append(Bar(**options)) or bars[0])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with caplog.at_level(logging.INFO), Progress("training", 4, "step") as shown:
        clock.seconds += 60.0
        shown.advance(3)
        assert not bars[0].closed
    assert bars[0].options == {"total": 4, "desc": "training", "unit": "step", "leave": False}
    assert (bars[0].done, bars[0].closed) == (3, True)
    assert said(caplog) == []
