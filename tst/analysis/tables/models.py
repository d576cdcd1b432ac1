"""Model against model, two columns per benchmark."""

from __future__ import annotations

from dataclasses import replace

from tst.analysis.study import RANDOM, Study, mean_figure, pooled_fold_sd, summary_field
from tst.analysis.tables.paper_table import POINTS, Column, Figure, PaperTable, Row, mark_best
from tst.core.number_text import DASH


def model_table(study: Study) -> PaperTable:
    """One row per diagnostic or model: per benchmark its tuned score and gain over zero-shot."""
    columns = []
    for questions in study.question_sets:
        columns.append(Column(f"{questions.slug}.score", "TsT", questions.title))
        columns.append(Column(f"{questions.slug}.delta", "Δ", questions.title))
    rows = []
    for subject in study.subjects:
        cells: dict[str, Figure] = {}
        for questions in study.question_sets:
            choice = study.cell(questions, subject, RANDOM)
            reason = study.why_missing(questions, subject, RANDOM)
            score = mean_figure(choice, summary_field("score_hard"), reason=reason)
            delta = mean_figure(choice, summary_field("delta_hard"), POINTS, reason)
            if not subject.has_zero_shot:
                delta = Figure(text=DASH)
            cells[f"{questions.slug}.score"] = replace(
                score, sd=pooled_fold_sd(choice, "score_hard")
            )
            cells[f"{questions.slug}.delta"] = delta
        rows.append(Row((subject.title,), cells))
    for column in columns:
        if column.heading == "TsT":
            marked = mark_best(
                {str(i): row.cells[column.key] for i, row in enumerate(rows)},
                [str(i) for i in range(len(rows))],
            )
            for i, row in enumerate(rows):
                row.cells[column.key] = marked[str(i)]
    return PaperTable(
        "models",
        "Model against model (random folds, hard scores)",
        "Hard scores in percent ± standard deviation over folds; Δ, the gain over zero-shot, in "
        f"points ({DASH}: no zero-shot model). Bold: the highest score on a benchmark.",
        ("diagnostic",),
        columns,
        rows,
    )
