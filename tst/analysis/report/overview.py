"""The report's first section: benchmarks side by side, as the main table has them."""

from __future__ import annotations

from typing import Any

from tst.analysis.study import Study
from tst.analysis.tables.paper_table import PaperTable, footnotes, write_figure
from tst.analysis.tables.scores import main_table
from tst.core.number_text import MINUS
from tst.records.run_records import Found

SHOWN = {
    "zero_shot": "zero-shot",
    "llm": "TsT-LLM",
    "rf_random": "TsT-RF, random folds",
    "rf_grouped": "TsT-RF, grouped folds",
}
"""Columns of the main table that the overview's chart shows."""


def describe_overview(found: Found) -> dict[str, Any]:
    """Cards, chart and table over all records."""
    table = main_table(Study(found))
    benchmarks = []
    for row in table.rows:
        known = {k: f for k, f in row.cells.items() if not f.missing}
        marks = [
            {
                "kind": key,
                "label": label,
                "value": known[key].value,
                "text": write_figure(known[key]),
            }
            for key, label in SHOWN.items()
            if key in known
        ]
        baseline = known["baseline"].value if "baseline" in known else None
        benchmarks.append({"name": row.labels[0], "baseline": baseline, "marks": marks})
    return {
        "cards": _cards(table, found),
        "benchmarks": [b for b in benchmarks if b["marks"]],
        "table": describe_table(table),
    }


def _cards(table: PaperTable, found: Found) -> list[dict[str, str]]:
    """What stands out: how many records, the largest gain over guessing, the largest delta."""
    cards = [
        {
            "name": "verified records",
            "value": str(len(found.records)),
            "more": f"{len(found.unusable)} left out" if found.unusable else "none left out",
        },
        {"name": "benchmarks", "value": str(len(table.rows)), "more": ""},
    ]
    gains = [
        (cell.value - row.cells["baseline"].value, row.labels[0], key, write_figure(cell))
        for row in table.rows
        for key, cell in row.cells.items()
        if key in ("llm", "rf_random", "rf_grouped") and not cell.missing
    ]
    if gains:
        gain, name, key, text = max(gains)
        points = f"{100 * gain:+.1f}".replace("-", MINUS)
        cards.append({"name": "most exposed", "value": name, "more": f"{SHOWN[key]}: {text}"})
        cards.append({"name": "above its baseline", "value": points, "more": f"points, {name}"})
    return cards


def describe_table(table: PaperTable) -> dict[str, Any]:
    """A paper table as headings, rows of texts and notes."""
    headings = [{"text": h, "label": True} for h in table.label_headings]
    headings += [{"text": f"{c.span} {c.heading}".strip(), "label": False} for c in table.columns]
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
