"""Two sets of runs side by side on the terminal."""

from __future__ import annotations

import pandas as pd

from tst.analysis.question_sets import find_question_sets
from tst.analysis.selection import difference
from tst.analysis.tables.paper_table import POINTS, Figure, write_figure
from tst.cli.tables import Column, Row, show_table, standard_output
from tst.records.run_records import RunRecord

COLUMNS = (
    Column("question type", is_text=True),
    Column("n"),
    Column("a"),
    Column("b"),
    Column("b − a [95%]"),
    Column("soft a", rank=2),
    Column("soft b", rank=2),
    Column("soft b − a [95%]", rank=1),
)


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
    rows = []
    for row in differences.to_dict("records"):
        cells = [str(row["question_type"]), str(row["n"])]
        for m in ("hard", "s"):
            interval = (row[f"low_{m}"], row[f"high_{m}"])
            cells += [write_figure(Figure(row[f"{side}_{m}"])) for side in "ab"]
            cells.append(write_figure(Figure(row[f"diff_{m}"], POINTS, interval=interval)))
        rows.append(Row(cells, "bold" if row["question_type"] == "overall" else ""))
    show_table(COLUMNS, rows, standard_output())
