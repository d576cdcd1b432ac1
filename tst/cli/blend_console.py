"""A blend on the terminal: its score beside those of its records, and how much each counts."""

from __future__ import annotations

from tst.analysis.blending.run import Blend
from tst.analysis.comparison import compare
from tst.analysis.tables.paper_table import POINTS, Figure, write_figure
from tst.cli.tables import Column, Row, show_table, standard_output
from tst.records.run_records import RunRecord, read_record

COLUMNS = (
    Column("", is_text=True),
    Column("score"),
    Column("blend − this [95%]"),
    Column("soft", rank=2),
    Column("soft: blend − this [95%]", rank=1),
)


def show_blend(blend: Blend) -> None:
    """A line per record with the paired gain of the blend over it; the weights per type."""
    own = read_record(blend.path)
    console = standard_output()
    print(
        f"{own.benchmark}, {own.folds}, seed {own.seed}: {blend.summary['overall']['n']} questions"
    )
    rows = [_row(record, own) for record in blend.records]
    scores = [blend.summary["overall"][f"score_{m}"] for m in ("hard", "soft")]
    hard, soft = (write_figure(Figure(score)) for score in scores)
    show_table(COLUMNS, [*rows, Row(("blend", hard, "", soft, ""), "bold")], console)
    print()
    names = [Column(f"{record.subject} ({record.hash})") for record in blend.records]
    weights = [
        Row((kind, *(f"{weight:.2f}" for weight in given)))
        for kind, given in sorted(blend.summary["blend"]["weights"].items())
    ]
    show_table([Column("weights", is_text=True), *names], weights, console)


def _row(record: RunRecord, blended: RunRecord) -> Row:
    gain = compare([record], [blended]).iloc[-1]
    cells = [f"{record.subject} ({record.hash})"]
    for m in ("hard", "s"):
        interval = (gain[f"low_{m}"], gain[f"high_{m}"])
        cells.append(write_figure(Figure(gain[f"a_{m}"])))
        cells.append(write_figure(Figure(gain[f"diff_{m}"], POINTS, interval=interval)))
    return Row(cells)
