"""A paper table as data: rows of figures that know their records; how a figure is written."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from tst.core.number_text import DASH, MINUS

PERCENT, POINTS, COUNT, SECONDS, NUMBER, GIBIBYTES = (
    "percent", "points", "count", "seconds", "number", "gibibytes"
)  # fmt: skip
"""Units: a score shown as percent; a difference of scores, signed; whole numbers; and so on."""
EARLIER = "†"
"""Behind a figure of an earlier version of its diagnostic."""


@dataclass(frozen=True)
class Figure:
    """One cell.

    value: NaN where there is none, and then ``reason`` says why
    sd: NaN where it is not shown; interval: 95%, or None
    seeds, records: fold seeds and record hashes that the value is the mean of
    version: of the diagnostic that made the records, in words where it is an earlier one
    """

    value: float = math.nan
    unit: str = PERCENT
    sd: float = math.nan
    interval: tuple[float, float] | None = None
    seeds: tuple[int, ...] = ()
    records: tuple[str, ...] = ()
    version: str = ""
    reason: str = ""
    text: str = ""
    best: bool = False

    @property
    def missing(self) -> bool:
        return not self.text and not math.isfinite(self.value)


@dataclass(frozen=True)
class Column:
    """span: a heading over several neighbouring columns, or empty."""

    key: str
    heading: str
    span: str = ""

    @property
    def full_heading(self) -> str:
        """With the span before it."""
        return f"{self.span} {self.heading}".strip()


@dataclass
class Row:
    """labels: one text per label column; cells: column key -> figure."""

    labels: tuple[str, ...]
    cells: dict[str, Figure]


@dataclass
class PaperTable:
    """name: of its files; label_headings: one a label column; rows with equal first labels are a
    block; notes: footnotes before those that ``footnotes`` derives from the cells.
    """

    name: str
    title: str
    caption: str
    label_headings: tuple[str, ...]
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def mark_best(row_or_column: dict[str, Figure], among: list[str]) -> dict[str, Figure]:
    """The same cells with the largest of some marked; none where fewer than two have a value."""
    known = {k: row_or_column[k].value for k in among if not row_or_column[k].missing}
    if len(known) < 2:
        return row_or_column
    top = max(round(v, 6) for v in known.values())
    best = {k for k, v in known.items() if round(v, 6) == top}
    return {k: replace(f, best=True) if k in best else f for k, f in row_or_column.items()}


def write_figure(figure: Figure) -> str:
    """A figure for people: ``42.7 ± 1.2``, ``+17.9``, ``−0.7 [−1.2, −0.1]``, or an en dash.

    One of an earlier version of its diagnostic ends with ``EARLIER``.
    """
    if figure.text:
        return figure.text
    if figure.missing:
        return DASH
    text = _number(figure.value, figure.unit)
    if math.isfinite(figure.sd):
        text += f" ± {_number(figure.sd, PERCENT if figure.unit == POINTS else figure.unit)}"
    if figure.interval is not None and all(map(math.isfinite, figure.interval)):
        low, high = (_number(bound, figure.unit) for bound in figure.interval)
        text += f" [{low}, {high}]"
    return text + EARLIER * bool(figure.version)


def _number(value: float, unit: str) -> str:
    if unit == COUNT:
        return f"{value:,.0f}".replace("-", MINUS)
    if unit == SECONDS:
        return f"{value:,.0f} s" if value >= 10 else f"{value:.1f} s"
    if unit == GIBIBYTES:
        return f"{value / 2**30:.1f} GiB"
    if unit == NUMBER:
        return f"{value:.3f}".replace("-", MINUS)
    digits = f"{100 * value:+.1f}" if unit == POINTS else f"{100 * value:.1f}"
    return digits.replace("-0.0", "0.0").replace("+0.0", "0.0").replace("-", MINUS)


def shown_labels(rows: list[Row]) -> list[tuple[str, ...]]:
    """Each row's labels, leading ones left blank where they repeat the row above."""
    shown = []
    above: tuple[str, ...] = ()
    for row in rows:
        same = 0
        while same < min(len(above), len(row.labels)) - 1 and above[same] == row.labels[same]:
            same += 1
        shown.append(("",) * same + row.labels[same:])
        above = row.labels
    return shown


def footnotes(table: PaperTable) -> list[str]:
    """The table's own notes, then the missing cells by name, then seeds and records by cell."""
    return [*table.notes, *_missing(table), *_sources(table)]


def _missing(table: PaperTable) -> list[str]:
    """One note a reason: which columns of which rows."""
    notes: dict[str, dict[str, list[Row]]] = {}
    for row in table.rows:
        columns_of: dict[str, list[str]] = {}
        for column in table.columns:
            figure = row.cells[column.key]
            if figure.missing:
                reason = figure.reason or "not recorded"
                columns_of.setdefault(reason, []).append(column.full_heading)
        for reason, columns in columns_of.items():
            notes.setdefault(reason, {}).setdefault(", ".join(columns), []).append(row)
    return [
        f"{DASH} {reason}: "
        + "; ".join(f"{columns} of {_row_names(rows, table)}" for columns, rows in parts.items())
        + "."
        for reason, parts in notes.items()
    ]


def _sources(table: PaperTable) -> list[str]:
    """Records (hashes) and seeds behind the cells; rows with the same sources share a note."""
    rows_of: dict[str, list[Row]] = {}
    for row in table.rows:
        columns_of: dict[tuple[tuple[str, ...], tuple[int, ...], str], list[str]] = {}
        for column in table.columns:
            figure = row.cells[column.key]
            if figure.records and not figure.missing:
                sources = (figure.records, figure.seeds, figure.version)
                columns_of.setdefault(sources, []).append(column.full_heading)
        parts = [
            f"{', '.join(names)}: {_seeds(seeds)}records {' '.join(hashes)}"
            + f" ({EARLIER} {version})" * bool(version)
            for (hashes, seeds, version), names in columns_of.items()
        ]
        if parts:
            rows_of.setdefault("; ".join(parts), []).append(row)
    return [f"{_row_names(rows, table)}. {sources}." for sources, rows in rows_of.items()]


def _row_names(rows: list[Row], table: PaperTable) -> str:
    """Rows by their labels; a whole block by its first label alone."""
    names = []
    for first in dict.fromkeys(row.labels[0] for row in rows):
        mine = [row for row in rows if row.labels[0] == first]
        block = [row for row in table.rows if row.labels[0] == first]
        whole = len(mine) == len(block) > 1
        names += [first] if whole else [", ".join(row.labels) for row in mine]
    return "; ".join(names)


def _seeds(seeds: tuple[int, ...]) -> str:
    if not seeds:
        return ""
    numbers = ", ".join(map(str, seeds))
    return f"seed {numbers}, " if len(seeds) == 1 else f"mean of {len(seeds)} seeds ({numbers}), "
