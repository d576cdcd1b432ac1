"""Paper tables as Markdown and CSV."""

from __future__ import annotations

import csv
import io
import math

from tst.analysis.tables.paper_table import PaperTable, footnotes, shown_labels, write_figure
from tst.core.number_text import DASH


def render_markdown(table: PaperTable) -> str:
    """A heading, the caption, a pipe table, and the footnotes as a list."""
    headings = [*table.label_headings]
    headings += [c.full_heading for c in table.columns]
    rules = ["---"] * len(table.label_headings) + ["---:"] * len(table.columns)
    lines = [f"## {table.title}", "", table.caption, "", table_row(headings), table_row(rules)]
    for row, shown in zip(table.rows, shown_labels(table.rows), strict=True):
        labels = [escape_markdown(label) for label in shown]
        cells = []
        for column in table.columns:
            figure = row.cells[column.key]
            text = escape_markdown(write_figure(figure))
            cells.append(f"**{text}**" if figure.best else text)
        lines.append(table_row([*labels, *cells]))
    if not table.rows:
        lines += ["", "No records."]
    notes = [f"- {escape_markdown(note)}" for note in footnotes(table)]
    if notes:
        lines += ["", "<sub>", "", *notes, "", "</sub>"]
    return "\n".join(lines) + "\n"


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, also inside a pipe table."""
    for character in "\\`*_[]|<>":
        text = text.replace(character, "\\" + character)
    return text.replace("\n", " ")


def table_row(cells: list[str]) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def render_csv(table: PaperTable) -> str:
    """Full-precision values, sd and interval columns where there are any, seeds and records."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = [c.key for c in table.columns]
    figures = {k: [row.cells[k] for row in table.rows] for k in keys}
    with_sd = {k for k in keys if any(math.isfinite(f.sd) for f in figures[k])}
    with_interval = {k for k in keys if any(f.interval for f in figures[k])}
    headings = [*table.label_headings]
    for key in keys:
        headings.append(key)
        headings += [f"{key}_sd"] * (key in with_sd)
        headings += [f"{key}_low", f"{key}_high"] * (key in with_interval)
    writer.writerow([*headings, "seeds", "records"])
    for row in table.rows:
        cells = [*row.labels]
        for key in keys:
            figure = row.cells[key]
            text = "" if figure.text == DASH else figure.text  # a column of numbers stays one
            cells.append(text or _value(figure.value))
            cells += [_value(figure.sd)] * (key in with_sd)
            low, high = figure.interval or (math.nan, math.nan)
            cells += [_value(low), _value(high)] * (key in with_interval)
        seeds = sorted({seed for f in row.cells.values() for seed in f.seeds})
        records = list(dict.fromkeys(h for f in row.cells.values() for h in f.records))
        writer.writerow([*cells, " ".join(map(str, seeds)), " ".join(records)])
    return out.getvalue()


def _value(value: float) -> str:
    return f"{value:.10g}" if math.isfinite(value) else ""
