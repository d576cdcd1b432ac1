"""What a model knows of the answers beyond counting positions, and how well it knows that."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from tst.analysis.selection import Choice
from tst.analysis.study import Study, mean_figure, summary_field
from tst.analysis.tables.paper_table import NUMBER, Column, Figure, PaperTable, Row
from tst.records.run_records import RunRecord

LIKELIHOODS = {
    "log_likelihood": "model",
    "prior_log_likelihood": "positions",
    "uniform_log_likelihood": "uniform",
}
COLUMNS = [
    Column("bits", "bits"),
    *(Column(key, heading, "log-likelihood") for key, heading in LIKELIHOODS.items()),
    Column("ece", "model", "calibration error"),
    Column("ece_floor", "floor", "calibration error"),
]
NO_CHOICES = "no multiple-choice questions"


def information_table(study: Study) -> PaperTable:
    """A row per (set of questions, diagnostic, fold scheme) with records."""
    rows = [Row(names, _cells(choice)) for names, choice in study.recorded_cells()]
    return PaperTable(
        "information",
        "Bits per question, log-likelihood and calibration",
        "Multiple-choice questions alone. Bits: how much likelier the right option is to the model "
        "than to a prior that only counts option positions, log2, mean per question; 95% interval "
        "(bootstrap over groups; with several seeds the mean of its bounds). Log-likelihood: of "
        "the right option, mean in nats, of the model, of that prior and of uniform guessing; a "
        "model that is not above both others found nothing beyond counting. Calibration error: in "
        "percent, 15 bins; its "
        "floor is that of a perfectly calibrated model on as many questions.",
        ("benchmark", "diagnostic", "folds"),
        COLUMNS,
        rows,
    )


def _cells(choice: Choice) -> dict[str, Figure]:
    cells = {
        key: mean_figure(choice, summary_field(key), NUMBER, NO_CHOICES)
        for key in ("bits", *LIKELIHOODS)
    }
    bounds = [_interval(record) for record in choice.records]
    low, high = (float(np.mean(side)) for side in zip(*bounds, strict=True))
    cells["bits"] = replace(cells["bits"], interval=(low, high))
    for key in ("ece", "ece_floor"):
        percents = mean_figure(choice, summary_field(key), reason=NO_CHOICES)
        cells[key] = replace(percents, value=percents.value / 100)
    return cells


def _interval(record: RunRecord) -> tuple[float, float]:
    low, high = record.summary["overall"]["interval"].get("bits") or (None, None)
    return (math.nan, math.nan) if low is None or high is None else (float(low), float(high))
