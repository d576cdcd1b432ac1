"""Bits, log-likelihoods and calibration as a table."""

from pathlib import Path

import numpy as np
import pytest

from tst.analysis.study import Study
from tst.analysis.tables.information import information_table
from tst.analysis.tables.paper_table import write_figure
from tst.records.kinds import STRESS_TEST
from tst.records.run_records import find_records, read_record


def test_figures_are_those_of_the_summaries(study: tuple[Path, dict[str, Path]]) -> None:
    root, paths = study
    rows = {r.labels: r.cells for r in information_table(Study(find_records(root))).rows}
    overall = [read_record(paths[n]).summary["overall"] for n in ("random", "random_43")]
    cells = rows["planted", "TsT-RF", "random"]
    for field in ("bits", "log_likelihood", "prior_log_likelihood", "uniform_log_likelihood"):
        assert cells[field].value == pytest.approx(np.mean([o[field] for o in overall]))
    assert cells["ece"].value == pytest.approx(np.mean([o["ece"] for o in overall]) / 100)
    lows = [o["interval"]["bits"][0] for o in overall]
    assert cells["bits"].interval[0] == pytest.approx(np.mean(lows))
    assert cells["uniform_log_likelihood"].value < -1.0
    assert write_figure(cells["ece_floor"]).replace(".", "").isdigit()
    assert ("planted", "TsT-RF", "grouped") in rows
    assert any("TsT-LLM" in subject for _, subject, _ in rows)


def test_weights_and_biases_has_them_as_plain_figures(study: tuple[Path, dict[str, Path]]) -> None:
    record = read_record(study[1]["random"])
    figures = STRESS_TEST.figures(record.summary)
    fields = ("bits", "log_likelihood", "prior_log_likelihood", "uniform_log_likelihood")
    for field in (*fields, "ece", "ece_floor"):
        assert figures[field] == record.summary["overall"][field]
    assert figures["bits_low"] <= figures["bits"] <= figures["bits_high"]
