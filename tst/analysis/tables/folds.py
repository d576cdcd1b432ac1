"""Grouped against random folds: what shared context gives away."""

from __future__ import annotations

from tst.analysis.comparison import compare
from tst.analysis.study import (
    GROUPED,
    LLM,
    RANDOM,
    RF,
    Study,
    mean_figure,
    summary_field,
    title,
)
from tst.analysis.tables.paper_table import COUNT, POINTS, Column, Figure, PaperTable, Row

COLUMNS = [
    Column("group", "group"),
    Column("groups", "groups"),
    Column("random", "random folds"),
    Column("grouped", "grouped folds"),
    Column("drop", "grouped − random"),
]


def fold_table(study: Study) -> PaperTable:
    """A row a (benchmark with groups, diagnostic) that has records."""
    rows = []
    for benchmark in study.benchmarks:
        for diagnostic, model in [(RF, ""), *((LLM, m) for m in study.models)]:
            cells = _cells(study, benchmark, diagnostic, model)
            if cells:
                subject = f"TsT-LLM ({model})" if model else "TsT-RF"
                rows.append(Row((title(benchmark), subject), cells))
    return PaperTable(
        "folds",
        "Grouped against random folds (hard scores)",
        "Hard scores in percent; the difference in points with a paired 95% interval (bootstrap "
        "over groups).",
        ("benchmark", "diagnostic"),
        COLUMNS,
        rows,
    )


def _cells(study: Study, benchmark: str, diagnostic: str, model: str) -> dict[str, Figure]:
    random = study.cell(benchmark, diagnostic, model, RANDOM)
    grouped = study.cell(benchmark, diagnostic, model, GROUPED)
    known = (*grouped.records, *random.records)
    if not known or not known[0].summary["data"].get("groups"):
        return {}
    group = known[0].group_by or next(iter(known[0].summary["data"]["groups"]))
    hard = summary_field("score_hard")
    cells = {
        "group": Figure(text=group),
        "groups": Figure(known[0].summary["data"]["groups"][group], COUNT),
        RANDOM: mean_figure(random, hard, reason=study.why_missing(benchmark, diagnostic, RANDOM)),
        GROUPED: mean_figure(
            grouped, hard, reason=study.why_missing(benchmark, diagnostic, GROUPED)
        ),
        "drop": Figure(unit=POINTS, reason="needs records of both fold schemes"),
    }
    if random.records and grouped.records:
        overall = compare(random.records, grouped.records).iloc[-1]
        cells["drop"] = Figure(
            float(overall["diff_hard"]),
            POINTS,
            interval=(float(overall["low_hard"]), float(overall["high_hard"])),
        )
    return cells
