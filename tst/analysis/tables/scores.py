"""The main table and its question types: baseline, majority, and every diagnostic's scores."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tst.analysis.question_sets import QuestionSet
from tst.analysis.selection import Choice
from tst.analysis.study import (
    GROUPED,
    RANDOM,
    Study,
    mean_figure,
    pooled_fold_sd,
    summary_field,
)
from tst.analysis.subjects import Subject
from tst.analysis.tables.paper_table import (
    COUNT,
    PERCENT,
    POINTS,
    Column,
    Figure,
    PaperTable,
    Row,
    mark_best,
)
from tst.diagnostics.known import KNOWN

SCORE, ZERO_SHOT, DELTA = "score", "zero_shot", "delta"


@dataclass(frozen=True)
class ScoreColumn:
    """One figure of a diagnostic: its score, the untrained model's, or the gain, in some folds."""

    subject: Subject
    figure: str
    scheme: str

    @property
    def key(self) -> str:
        """Unique in a table; a column of its CSV."""
        what = self.scheme if self.figure == SCORE else self.figure
        return f"{self.subject.diagnostic}_{what}"

    @property
    def heading(self) -> str:
        """Under the diagnostic's label."""
        tuned = "tuned" if self.subject.has_zero_shot else f"{self.scheme} folds"
        return {ZERO_SHOT: "zero-shot", DELTA: "Δ"}.get(self.figure, tuned)

    @property
    def title(self) -> str:
        """Without a heading above it."""
        if self.figure == SCORE and self.subject.has_zero_shot:
            return self.subject.label
        return f"{self.subject.label}, {self.heading}"


def score_columns(study: Study) -> list[ScoreColumn]:
    """The columns of every diagnostic that is shown, those with a zero-shot model first.

    With a zero-shot model: it, the tuned one and the gain, in random folds; without: the score in
    random and in grouped folds. A diagnostic of a user's own stands behind tst's own.
    """
    columns = []
    in_order = sorted(study.shown, key=lambda s: (s.diagnostic not in KNOWN, not s.has_zero_shot))
    for subject in in_order:
        if subject.has_zero_shot:
            columns += [ScoreColumn(subject, f, RANDOM) for f in (ZERO_SHOT, SCORE, DELTA)]
        else:
            columns += [ScoreColumn(subject, SCORE, scheme) for scheme in (RANDOM, GROUPED)]
    return columns


def table_columns(study: Study) -> list[Column]:
    """Number of questions, references, then every diagnostic's columns."""
    references = [Column("n", "n"), Column("baseline", "baseline"), Column("majority", "majority")]
    scores = [Column(c.key, c.heading, c.subject.label) for c in score_columns(study)]
    return [*references, *scores]


CAPTIONS = {
    "hard": "Accuracy (multiple choice), mean relative accuracy (numeric) and match (open), in "
    "percent, without looking. Δ in points.",
    "soft": "Soft scores in percent: probability of the gold option (multiple choice), mean "
    "relative accuracy (numeric), match (open). Baseline and majority as in the table of hard "
    "scores. Δ in points.",
}


def main_table(study: Study, measure: str = "hard") -> PaperTable:
    """One row per benchmark. measure: ``hard`` (argmax) or ``soft`` (p_gold)."""
    rows = [
        Row((q.title,), mark_best(score_cells(study, q, measure), competing(study)))
        for q in study.question_sets
    ]
    name = "main" if measure == "hard" else f"main_{measure}"
    return PaperTable(
        name,
        f"TsT by benchmark ({measure} scores)",
        f"{CAPTIONS[measure]} ± standard deviation over folds. Bold: the strongest text-only "
        f"result. {_model_notes(study)}",
        ("benchmark",),
        table_columns(study),
        rows,
        study.notes(),
    )


def per_type_table(study: Study) -> PaperTable:
    """One row per question type, benchmark by benchmark."""
    rows = []
    for questions in study.question_sets:
        for name in _question_types(study, questions):
            cells = score_cells(study, questions, "hard", "per_type", name)
            rows.append(Row((questions.title, name), mark_best(cells, competing(study))))
    return PaperTable(
        "types",
        "TsT by question type (hard scores)",
        f"{CAPTIONS['hard']} Bold: the strongest text-only result. {_model_notes(study)}",
        ("benchmark", "question type"),
        table_columns(study),
        rows,
    )


def competing(study: Study) -> list[str]:
    """Keys of the columns whose best is marked."""
    return [column.key for column in score_columns(study) if column.figure == SCORE]


def score_cells(
    study: Study, questions: QuestionSet, measure: str, part: str = "overall", name: str = ""
) -> dict[str, Figure]:
    """The cells of ``table_columns`` for a set of questions, or for one of its question types."""
    columns = score_columns(study)
    places = {(c.subject, c.scheme) for c in columns}
    choices = {place: study.cell(questions, *place) for place in places}
    first, *_ = study.shown
    # the references of one diagnostic's records; which one's does not matter, as they are equal
    order = ((subject, scheme) for subject in study.shown for scheme in (RANDOM, GROUPED))
    basis = next((choices[p] for p in order if p in choices and choices[p].records), Choice(()))

    def figure(choice: Choice, field: str, reason: str, unit: str = PERCENT) -> Figure:
        return mean_figure(choice, summary_field(field, part, name), unit, reason)

    missing = study.why_missing(questions, first, RANDOM)
    cells = {
        "n": figure(basis, "n", missing, COUNT),
        "baseline": figure(basis, "baseline", missing),
        "majority": figure(basis, "majority", missing),
    }
    for column in columns:
        choice = choices[column.subject, column.scheme]
        field = f"{column.figure}_{measure}"
        reason = study.why_missing(questions, column.subject, column.scheme)
        cell = figure(choice, field, reason, POINTS if column.figure == DELTA else PERCENT)
        if column.figure == SCORE and not name:  # question types are shown without the spread
            cell = replace(cell, sd=pooled_fold_sd(choice, field, part, name))
        cells[column.key] = cell
    return cells


def _question_types(study: Study, questions: QuestionSet) -> list[str]:
    names: set[str] = set()
    for record in study.found.records:
        if questions.is_of(record):
            names |= record.summary["per_type"].keys()
    return sorted(names)


def _model_notes(study: Study) -> str:
    """Which model a column is of, for every diagnostic that reads one."""
    notes = []
    for subject in study.shown:
        if subject.model:
            notes.append(f"{subject.label}: {subject.model}.")
        elif subject.has_zero_shot:
            notes.append(f"No {subject.label} is recorded yet.")
    return " ".join(notes)
