"""Figures of single records: what is sorted by what."""

from pathlib import Path

from tst.analysis.figures.records import draw_types
from tst.records.run_records import RunRecord


def make_type(adjusted: float | None) -> dict:
    return {
        "score_hard": 0.5, "baseline": 0.25, "zero_shot_hard": None, "adjusted_hard": adjusted,
        "adjusted_soft": 0.0, "interval": {"score_hard": [0.4, 0.6]},
    }  # fmt: skip


def test_types_are_sorted_by_the_adjusted_score_that_is_drawn():
    """0 lies between its neighbours, and what could not be computed comes last."""
    adjusted = {"below": -0.1, "none": None, "zero": 0.0, "above": 0.3}
    per_type = {name: make_type(value) for name, value in adjusted.items()}
    record = RunRecord(Path("r"), "b", "rf", "", "TsT-RF", {"per_type": per_type}, {})
    labels = [text.get_text() for text in draw_types(record).axes[0].get_yticklabels()]
    assert labels == ["above", "zero", "below", "none"]
