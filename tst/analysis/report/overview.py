"""The report's first section: benchmarks side by side, as the main table has them."""

from __future__ import annotations

from typing import Any

from tst.analysis.study import Study, mean_figure
from tst.analysis.tables.context import context_table
from tst.analysis.tables.paper_table import PaperTable, footnotes, write_figure
from tst.analysis.tables.scores import DELTA, SCORE, ScoreColumn, main_table, score_columns
from tst.core.number_text import MINUS
from tst.records.run_records import Found, RunRecord


def describe_overview(found: Found) -> dict[str, Any]:
    """Cards, chart and table over all records."""
    study = Study(found)
    table, context = main_table(study), context_table(study)
    series = {c.key: c for c in score_columns(study) if c.figure != DELTA}
    benchmarks = []
    for row in table.rows:
        known = {k: f for k, f in row.cells.items() if not f.missing}
        marks = [
            {
                "kind": key,
                "label": column.title,
                "value": known[key].value,
                "text": write_figure(known[key]),
            }
            for key, column in series.items()
            if key in known
        ]
        baseline = known["baseline"].value if "baseline" in known else None
        benchmarks.append({"name": row.labels[0], "baseline": baseline, "marks": marks})
    several = len(table.rows) > 1
    return {
        "title": "Across benchmarks" if several else "Records side by side",
        "cards": _cards(study, table, series) if several else [],
        "series": [
            {"kind": key, "label": c.title, "zero_shot": c.subject.has_zero_shot}
            for key, c in series.items()
        ],
        "benchmarks": [b for b in benchmarks if b["marks"]],
        "table": describe_table(table),
        "context": describe_table(context) if context.rows else None,
    }


def _cards(study: Study, table: PaperTable, series: dict[str, ScoreColumn]) -> list[dict[str, str]]:
    """What stands out: how many records, the largest gain over guessing."""
    found = study.found
    cards = [
        {
            "name": "verified records",
            "value": str(len(found.records)),
            "more": f"{len(found.unusable)} left out" if found.unusable else "none left out",
        },
        {"name": "benchmarks", "value": str(len(table.rows)), "more": ""},
    ]
    gains = []
    for row, questions in zip(table.rows, study.question_sets, strict=True):
        for key, column in series.items():
            choice = study.cell(questions, column.subject, column.scheme)
            if column.figure == SCORE and choice.records:
                above = mean_figure(choice, above_baseline).value
                gains.append((above, row.labels[0], key, write_figure(row.cells[key])))
    if gains:
        gain, name, key, text = max(gains)
        points = f"{100 * gain:+.1f}".replace("-", MINUS)
        cards.append(
            {"name": "most exposed", "value": name, "more": f"{series[key].title}: {text}"}
        )
        cards.append({"name": "above its baseline", "value": points, "more": f"points, {name}"})
    return cards


def above_baseline(record: RunRecord) -> float:
    """How far a record's score is above its own baseline; for numbers it depends on the folds."""
    overall = record.summary["overall"]
    return float(overall["score_hard"]) - float(overall["baseline"])


def describe_table(table: PaperTable) -> dict[str, Any]:
    """A paper table as headings, rows of texts and notes."""
    headings = [{"text": h, "label": True} for h in table.label_headings]
    headings += [{"text": c.full_heading, "label": False} for c in table.columns]
    rows = [
        [
            *row.labels,
            *(
                {"text": write_figure(row.cells[c.key]), "best": row.cells[c.key].best}
                for c in table.columns
            ),
        ]
        for row in table.rows
    ]
    return {
        "title": table.title,
        "caption": table.caption,
        "headings": headings,
        "rows": rows,
        "notes": footnotes(table),
    }
