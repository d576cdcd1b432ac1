"""Tables and sentences on standard output that fit the terminal they are read on.

A table that is too wide loses whole columns, those of the highest rank first, and says which; no
cell is ever wrapped. Off a terminal nothing is left out and no line is broken.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

ENDLESS = 100_000
"""Columns of what is no terminal: a file, a pipe."""
READABLE = 100
"""Columns that sentences keep to; a wider terminal does not make longer lines easier to read."""
GAP = "  "
SHORTEST = 20
"""Columns that a shortened text keeps at least."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    rank: columns of the highest rank are left out first; those of rank 0 always stay
    is_text: set left, and shortened before a column is left out
    name: what a column without a heading is called where it is left out
    """

    heading: str
    rank: int = 0
    is_text: bool = False
    name: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a table: a text per column."""

    cells: Sequence[str]
    style: str = ""


def standard_output() -> Console:
    """Standard output, as wide as the terminal, or endless where there is none."""
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=ENDLESS)
    return console


def show_table(columns: Sequence[Column], rows: Sequence[Row], console: Console) -> None:
    """Print a table with as many of its columns as there is room for."""
    widths = [
        max([cell_len(column.heading), *(cell_len(row.cells[i]) for row in rows)])
        for i, column in enumerate(columns)
    ]
    shown = choose_columns(columns, widths, console.width)
    fitted = shorten_texts(columns, widths, shown, console.width)
    heading = [columns[i].heading for i in shown]
    lines = [(heading, "bold"), *(([row.cells[i] for i in shown], row.style) for row in rows)]
    for cells, style in lines:
        parts = [
            fit_text(cell, fitted[i], left=columns[i].is_text)
            for i, cell in zip(shown, cells, strict=True)
        ]
        console.print(Text(GAP.join(parts).rstrip(), style), soft_wrap=True)
    hidden = [column for i, column in enumerate(columns) if i not in shown]
    if left_out := [column.heading or column.name for column in hidden]:
        say(f"{console.width} columns have no room for: {', '.join(left_out)}", console)


def choose_columns(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """The indices of the columns that fit, with texts at their shortest."""
    needed = [
        min(width, SHORTEST) if column.is_text else width
        for column, width in zip(columns, widths, strict=True)
    ]
    shown = list(range(len(columns)))
    while _total([needed[i] for i in shown]) > room:
        last = max(shown, key=lambda i: (columns[i].rank, i))
        if columns[last].rank == 0:
            break
        shown.remove(last)
    return shown


def shorten_texts(
    columns: Sequence[Column], widths: Sequence[int], shown: Sequence[int], room: int
) -> dict[int, int]:
    """The width of each column that is shown: the longest texts are shortened until all fit."""
    fitted = {i: widths[i] for i in shown}
    texts = [i for i in shown if columns[i].is_text]
    while texts and _total(list(fitted.values())) > room:
        longest = max(texts, key=lambda i: fitted[i])
        if fitted[longest] <= max(8, cell_len(columns[longest].heading)):
            break
        fitted[longest] -= 1
    return fitted


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def fit_text(text: str, width: int, left: bool) -> str:
    """A text of exactly so many columns; one that is too long ends in an ellipsis.

    Of a path its end is kept.
    """
    text = " ".join(text.split())
    if cell_len(text) > width:
        if "/" in text:
            kept = text[-width + 1 :]
            while cell_len(kept) > width - 1:
                kept = kept[1:]
            text = "…" + kept
        else:
            text = set_cell_size(text, width - 1).rstrip() + "…"
    padding = " " * (width - cell_len(text))
    return text + padding if left else padding + text


def say(text: str, console: Console, indent: str = "", hanging: str | None = None) -> None:
    """Print a sentence; a terminal has it in lines that break between words.

    hanging: indent of the lines after the first, where it is another one
    """
    width = min(console.width, READABLE) if console.width < ENDLESS else ENDLESS
    lines = textwrap.wrap(
        text, width, initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    for line in lines:
        console.print(Text(line), soft_wrap=True)
