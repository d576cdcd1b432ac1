"""Two sets of runs side by side on the terminal."""

from __future__ import annotations

import pandas as pd
from rich.table import Table
from rich.text import Text

from tst.analysis.question_sets import find_question_sets
from tst.analysis.selection import difference
from tst.analysis.tables.paper_table import POINTS, Figure, write_figure
from tst.cli.console import wide_console
from tst.records.run_records import RunRecord


def show_comparison(
    differences: pd.DataFrame, a: list[RunRecord], b: list[RunRecord], alone: int
) -> None:
    """What a and b are, and a line per question type.

    alone: how many questions have no partner on the other side
    """
    titles = {q.fingerprint: q.title for q in find_question_sets([*a, *b])}
    for name, side in (("a", a), ("b", b)):
        seeds = ", ".join(str(r.seed) for r in side)
        hashes = " ".join(r.hash for r in side)
        first = side[0]
        what = f"{titles[first.fingerprint]}, {first.subject}, {first.folds}"
        print(f"{name}: {what}, seed {seeds} ({hashes})")
    if a[0].subject == b[0].subject and (settings := difference(a[0], b[0])):
        print(f"b has other settings: {settings}")
    if alone:
        print(f"{alone} questions have no partner on the other side and are left out")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("question type", no_wrap=True)
    for heading in ("n", "a", "b", "b − a [95%]", "soft a", "soft b", "b − a [95%]"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in differences.to_dict("records"):
        cells = [str(row["n"])]
        for m in ("hard", "s"):
            interval = (row[f"low_{m}"], row[f"high_{m}"])
            cells += [write_figure(Figure(row[f"{side}_{m}"])) for side in "ab"]
            cells.append(write_figure(Figure(row[f"diff_{m}"], POINTS, interval=interval)))
        style = "bold" if row["question_type"] == "overall" else ""
        table.add_row(Text(str(row["question_type"])), *map(Text, cells), style=style)
    wide_console().print(table)
