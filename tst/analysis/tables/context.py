"""Answered without looking alone, and with the text of the group's other questions."""

from __future__ import annotations

from tst.analysis.question_sets import QuestionSet
from tst.analysis.selection import Choice, choose, settings_key
from tst.analysis.study import Study, mean_figure, summary_field
from tst.analysis.subjects import Subject
from tst.analysis.tables.paper_table import COUNT, Column, Figure, PaperTable, Row
from tst.core.folds import TYPE

CONTEXT = "features.context"
PARTS = "features.context.parts"
"""What the context columns say, where the benchmark names some; records without context lack it."""
NONE = "none"
COLUMNS = [
    Column("n", "n"),
    Column("alone", "alone"),
    Column("context", "with the group's other questions"),
    Column("difference", "difference"),
]


def context_table(study: Study) -> PaperTable:
    """A row per benchmark, diagnostic and fold scheme with records that read context."""
    rows = []
    for questions, subject, scheme in study.cells():
        alone, context = find_pair(study, questions, subject, scheme)
        if context.records:
            names = (questions.title, subject.title, context.records[0].folds)
            rows.append(Row(names, _cells(study, alone, context)))
    return PaperTable(
        "context",
        "What the test set gives away as a set (hard scores)",
        "features.context=siblings also reads the text, never the answers, of the other questions "
        "of the same group, and the columns of benchmark.columns.context. Headline figures never "
        "do. Hard scores in percent; the difference in points with a paired 95% interval "
        "(bootstrap over groups).",
        ("benchmark", "diagnostic", "folds"),
        COLUMNS,
        rows,
    )


def find_pair(
    study: Study, questions: QuestionSet, subject: Subject, scheme: str
) -> tuple[Choice, Choice]:
    """The records of one scheme that read no context, and those with the same settings but it.

    Both have the same seeds; both are empty where no seed has the two.
    """
    candidates = [
        r
        for r in study.found.records
        if questions.is_of(r) and subject.is_of(r) and (r.scheme, r.stratify) == (scheme, TYPE)
    ]
    context = choose(r for r in candidates if r.leaves.get(CONTEXT, NONE) != NONE)
    if not context.records:
        return Choice(()), Choice(())
    key = settings_key(context.records[0], CONTEXT, PARTS)
    alone = choose(
        r
        for r in candidates
        if r.leaves.get(CONTEXT) == NONE and settings_key(r, CONTEXT, PARTS) == key
    )
    seeds = {r.seed for r in context.records} & {r.seed for r in alone.records}
    pair = [Choice(tuple(r for r in c.records if r.seed in seeds)) for c in (alone, context)]
    return pair[0], pair[1]


def _cells(study: Study, alone: Choice, context: Choice) -> dict[str, Figure]:
    hard = summary_field("score_hard")
    return {
        "n": mean_figure(context, summary_field("n"), COUNT),
        "alone": mean_figure(alone, hard),
        "context": mean_figure(context, hard),
        "difference": study.difference(alone, context),
    }
