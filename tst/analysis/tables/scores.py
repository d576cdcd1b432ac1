"""The main table and its question types: zero-shot, TsT-LLM, TsT-RF, baseline, majority."""

from __future__ import annotations

from dataclasses import replace

from tst.analysis.selection import Choice
from tst.analysis.study import (
    GROUPED,
    LLM,
    RANDOM,
    RF,
    Study,
    mean_figure,
    pooled_fold_sd,
    summary_field,
    title,
)
from tst.analysis.tables.paper_table import (
    COUNT,
    POINTS,
    Column,
    Figure,
    PaperTable,
    Row,
    mark_best,
)

COLUMNS = [
    Column("n", "n"),
    Column("baseline", "baseline"),
    Column("majority", "majority"),
    Column("zero_shot", "zero-shot", "TsT-LLM"),
    Column("llm", "tuned", "TsT-LLM"),
    Column("delta", "Δ", "TsT-LLM"),
    Column("rf_random", "random folds", "TsT-RF"),
    Column("rf_grouped", "grouped folds", "TsT-RF"),
]
COMPETING = ["llm", "rf_random", "rf_grouped"]

CAPTIONS = {
    "hard": "Accuracy (multiple choice), mean relative accuracy (numeric) and match (open), in "
    "percent, without looking. Δ in points.",
    "soft": "Soft scores in percent: probability of the gold option (multiple choice), mean "
    "relative accuracy (numeric), match (open). Baseline and majority as in the table of hard "
    "scores. Δ in points.",
}


def main_table(study: Study, measure: str = "hard") -> PaperTable:
    """A row a benchmark. measure: ``hard`` (argmax) or ``soft`` (p_gold)."""
    rows = [
        Row((title(b),), mark_best(score_cells(study, b, measure), COMPETING))
        for b in study.benchmarks
    ]
    name = "main" if measure == "hard" else f"main_{measure}"
    return PaperTable(
        name,
        f"TsT by benchmark ({measure} scores)",
        f"{CAPTIONS[measure]} ± standard deviation over folds. Bold: the strongest text-only "
        f"result. {_model_note(study)}",
        ("benchmark",),
        COLUMNS,
        rows,
        study.notes(),
    )


def per_type_table(study: Study) -> PaperTable:
    """A row a question type, benchmark by benchmark."""
    rows = []
    for benchmark in study.benchmarks:
        for name in _question_types(study, benchmark):
            cells = score_cells(study, benchmark, "hard", "per_type", name)
            rows.append(Row((title(benchmark), name), mark_best(cells, COMPETING)))
    return PaperTable(
        "types",
        "TsT by question type (hard scores)",
        f"{CAPTIONS['hard']} Bold: the strongest text-only result. {_model_note(study)}",
        ("benchmark", "question type"),
        COLUMNS,
        rows,
    )


def score_cells(
    study: Study, benchmark: str, measure: str, part: str = "overall", name: str = ""
) -> dict[str, Figure]:
    """The cells of ``COLUMNS`` for a benchmark, or for one of its question types."""
    score = f"score_{measure}"
    llm = study.llm(benchmark)
    rf = {scheme: study.rf(benchmark, scheme) for scheme in (RANDOM, GROUPED)}
    basis = next((c for c in (rf[RANDOM], rf[GROUPED], llm) if c.records), Choice(()))
    no_rf = study.why_missing(benchmark, RF, RANDOM)
    no_llm = study.why_missing(benchmark, LLM, RANDOM)

    def figure(choice: Choice, field: str, reason: str = "", unit: str = "percent") -> Figure:
        return mean_figure(choice, summary_field(field, part, name), unit, reason)

    cells = {
        "n": figure(basis, "n", no_rf, COUNT),
        "baseline": figure(basis, "baseline", no_rf),
        "majority": figure(basis, "majority", no_rf),
        "zero_shot": figure(llm, f"zero_shot_{measure}", no_llm),
        "llm": _with_sd(figure(llm, score, no_llm), llm, score, part, name),
        "delta": figure(llm, f"delta_{measure}", no_llm, POINTS),
    }
    for scheme, choice in rf.items():
        reason = study.why_missing(benchmark, RF, scheme)
        cell = figure(choice, score, reason)
        cells[f"rf_{scheme}"] = _with_sd(cell, choice, score, part, name)
    return cells


def _with_sd(figure: Figure, choice: Choice, score: str, part: str, name: str) -> Figure:
    """With the spread over folds; question types are shown without."""
    if name:
        return figure
    return replace(figure, sd=pooled_fold_sd(choice, score, part, name))


def _question_types(study: Study, benchmark: str) -> list[str]:
    names: set[str] = set()
    for record in study.found.records:
        if record.benchmark == benchmark:
            names |= record.summary["per_type"].keys()
    return sorted(names)


def _model_note(study: Study) -> str:
    return f"TsT-LLM: {study.model}." if study.model else "No TsT-LLM is recorded yet."
