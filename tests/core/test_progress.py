import logging

from tst.core import progress
from tst.core.progress import Progress


def test_away_from_a_terminal_a_line_says_how_far_it_is(monkeypatch, caplog):
    monkeypatch.setattr(progress, "EVERY_SECONDS", -1.0)
    with caplog.at_level(logging.INFO), Progress("zero-shot", 10, "question") as shown:
        shown.advance(4)
        shown.advance(6)
    assert [r.getMessage().split(", ")[0] for r in caplog.records] == [
        "zero-shot: question 4 of 10"
    ]
    assert caplog.records[0].getMessage().endswith("s left")


def test_quick_work_says_nothing(caplog):
    with caplog.at_level(logging.INFO), Progress("zero-shot", 10, "question") as shown:
        shown.advance(4)
    assert not caplog.records
