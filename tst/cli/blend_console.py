"""A blend on the terminal: its score beside those of its records, and how much each counts."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from tst.analysis.blending.run import Blend
from tst.analysis.comparison import compare
from tst.analysis.tables.paper_table import POINTS, Figure, write_figure
from tst.cli.console import wide_console
from tst.records.run_records import read_record


def show_blend(blend: Blend) -> None:
    """A line per record with the paired gain of the blend over it; the weights per type."""
    own = read_record(blend.path)
    overall = blend.summary["overall"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for heading in ("score", "soft", "blend − this [95%]", "soft: blend − this [95%]"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in blend.records:
        gain = compare([record], [own]).iloc[-1]
        cells = [write_figure(Figure(gain[f"a_{m}"])) for m in ("hard", "s")]
        for m in ("hard", "s"):
            interval = (gain[f"low_{m}"], gain[f"high_{m}"])
            cells.append(write_figure(Figure(gain[f"diff_{m}"], POINTS, interval=interval)))
        table.add_row(Text(f"{record.subject} ({record.hash})"), *map(Text, cells))
    scores = [write_figure(Figure(overall[f"score_{m}"])) for m in ("hard", "soft")]
    table.add_row(Text("blend"), *map(Text, scores), "", "", style="bold")
    weights = Table(box=None, pad_edge=False, header_style="bold")
    weights.add_column("weights", no_wrap=True)
    for record in blend.records:
        weights.add_column(f"{record.subject} ({record.hash})", justify="right", no_wrap=True)
    for kind, given in sorted(blend.summary["blend"]["weights"].items()):
        weights.add_row(Text(kind), *(f"{weight:.2f}" for weight in given))
    console = wide_console()
    console.print(f"{own.benchmark}, {own.folds}, seed {own.seed}: {overall['n']} questions")
    console.print(table)
    console.print("")
    console.print(weights)
