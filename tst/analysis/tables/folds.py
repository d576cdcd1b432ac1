"""Grouped against random folds: what shared context gives away."""

from __future__ import annotations

from tst.analysis.question_sets import QuestionSet
from tst.analysis.study import GROUPED, RANDOM, Study, mean_figure, summary_field
from tst.analysis.subjects import Subject
from tst.analysis.tables.paper_table import COUNT, POINTS, Column, Figure, PaperTable, Row

COLUMNS = [
    Column("group", "group"),
    Column("groups", "groups"),
    Column("random", "random folds"),
    Column("grouped", "grouped folds"),
    Column("drop", "grouped − random"),
]


def fold_table(study: Study) -> PaperTable:
    """One row per (benchmark with groups, diagnostic) that has records."""
    rows = []
    for questions in study.question_sets:
        for subject in study.subjects:
            cells = _cells(study, questions, subject)
            if cells:
                rows.append(Row((questions.title, subject.title), cells))
    return PaperTable(
        "folds",
        "Grouped against random folds (hard scores)",
        "Hard scores in percent; the difference in points with a paired 95% interval (bootstrap "
        "over groups).",
        ("benchmark", "diagnostic"),
        COLUMNS,
        rows,
    )


def _cells(study: Study, questions: QuestionSet, subject: Subject) -> dict[str, Figure]:
    random, grouped = study.fold_schemes(questions, subject)
    known = (*grouped.records, *random.records)
    if not known or not known[0].summary["data"].get("groups"):
        return {}
    group = known[0].group_by or next(iter(known[0].summary["data"]["groups"]))
    hard = summary_field("score_hard")
    cells = {
        "group": Figure(text=group),
        "groups": Figure(known[0].summary["data"]["groups"][group], COUNT),
        RANDOM: mean_figure(random, hard, reason=study.why_missing(questions, subject, RANDOM)),
        GROUPED: mean_figure(grouped, hard, reason=study.why_missing(questions, subject, GROUPED)),
        "drop": Figure(unit=POINTS, reason="needs records of both fold schemes, of one version"),
    }
    both = random.records and grouped.records
    if both and random.records[0].version == grouped.records[0].version:
        cells["drop"] = study.difference(random, grouped)
    return cells
