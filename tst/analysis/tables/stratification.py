"""Folds stratified by type against folds stratified by answer: what the fold plan gives away."""

from __future__ import annotations

from tst.analysis.question_sets import QuestionSet
from tst.analysis.study import RANDOM, Study, mean_figure, summary_field
from tst.analysis.subjects import Subject
from tst.analysis.tables.paper_table import POINTS, Column, Figure, PaperTable, Row
from tst.core.folds import ANSWER, TYPE

HEADINGS = {TYPE: "by type", ANSWER: "by type and answer"}
DIFFERENCE = "difference"

WHY = (
    "Folds are stratified by question type: stratifying them by answer too, as the paper does, "
    "gives every fold the whole benchmark's answer counts, so that the most frequent training "
    "answer of a small type is chosen with the held-out answers. On permuted answers such folds "
    "still give MMMU a majority of 32.7, so what they add is chance and no shortcut; the preset "
    "fold=paper5 keeps them for comparison with the paper."
)


def stratification_table(study: Study) -> PaperTable:
    """A row per benchmark that has records of folds stratified by answer."""
    subjects = [("majority", study.shown[0], "majority")]
    subjects += [(s.title, s, "score_hard") for s in study.subjects]
    columns = [
        Column(f"{name}.{key}", heading, name)
        for name, *_ in subjects
        for key, heading in {**HEADINGS, DIFFERENCE: DIFFERENCE}.items()
    ]
    compared = [r for r in study.found.records if r.stratify == ANSWER]
    rows = []
    for questions in study.question_sets:
        if any(map(questions.is_of, compared)):
            cells: dict[str, Figure] = {}
            for name, subject, field in subjects:
                cells |= _cells(study, questions, name, subject, field)
            rows.append(Row((questions.title,), cells))
    return PaperTable(
        "stratification",
        "Folds stratified by type and by answer (random folds, hard scores)",
        f"{WHY} Scores in percent, differences in points.",
        ("benchmark",),
        columns,
        rows,
    )


def _cells(
    study: Study, questions: QuestionSet, name: str, subject: Subject, field: str
) -> dict[str, Figure]:
    cells = {}
    for stratify in HEADINGS:
        choice = study.cell(questions, subject, RANDOM, stratify)
        reason = study.why_missing(questions, subject, RANDOM, stratify)
        cells[f"{name}.{stratify}"] = mean_figure(choice, summary_field(field), reason=reason)
    by_type, by_answer = (cells[f"{name}.{stratify}"] for stratify in HEADINGS)
    missing = "needs records of both fold plans"
    same_seeds = by_type.seeds == by_answer.seeds
    difference = by_answer.value - by_type.value if same_seeds else float("nan")
    cells[f"{name}.{DIFFERENCE}"] = Figure(difference, POINTS, reason=missing)
    return cells
