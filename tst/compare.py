"""``python -m tst.compare a=PATH b=PATH``: two runs on the same questions.

Examples::

    python -m tst.compare a=outputs/runs/planted/rf/random5/HASH b=outputs/runs/.../HASH
    python -m tst.compare 'a=[PATH,PATH]' 'b=[PATH,PATH]' out=differences.csv
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from tst.cli.jobs import FINISHED, Outcome, run_command
from tst.core.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from tst.records.verified import RunRecord


@dataclass
class CompareConfig:
    """a, b: a record's folder each, or a list of them (seeds, averaged); out: a CSV file."""

    a: Any = MISSING
    b: Any = MISSING
    out: str | None = None
    outputs_root: str = "outputs"
    fail_fast: bool = False


def compare_job(cfg: DictConfig) -> Outcome:
    """Print the paired differences b - a by question type, and write them where asked."""
    from tst.analysis.comparison import compare, pair
    from tst.records.files import write_csv

    if missing := [side for side in "ab" if OmegaConf.is_missing(cfg, side)]:
        raise UserError(
            f"{' and '.join(missing)} not given: python -m tst.compare a=PATH b=PATH, each a "
            "folder that a run printed as `record: PATH`."
        )
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, CompareConfig)
    a, b = read_side("a", config.a), read_side("b", config.b)
    differences = compare(a, b)
    _, alone = pair(a, b)
    show(differences, a, b, alone)
    if config.out is not None:
        write_csv(Path(config.out), differences)
        print(config.out)
    return Outcome(FINISHED)


def read_side(name: str, paths: Any) -> list[RunRecord]:
    """The records of one side: on the same questions, with the same settings but for seeds."""
    from tst.analysis.selection import difference
    from tst.records.verified import read_record

    listed = paths if isinstance(paths, list) else [paths]
    if not listed or not all(isinstance(p, str) for p in listed):
        raise UserError(f"{name}={paths}: expected a record's folder, or a list of them.")
    records = [read_record(Path(p)) for p in listed]
    if len({r.fingerprint for r in records}) > 1:
        raise UserError(f"{name}={paths}: these records are on different questions.")
    first = records[0]
    for record in records[1:]:
        other = difference(first, record) if record.subject == first.subject else record.subject
        if other:
            raise UserError(
                f"{name}={paths}: the mean of unequal runs means nothing; expected records that "
                f"differ in fold.seed alone, got one with {other}. Name it as the other side."
            )
    return records


def show(differences: pd.DataFrame, a: list[RunRecord], b: list[RunRecord], alone: int) -> None:
    """The table, with what a and b are."""
    from rich.table import Table
    from rich.text import Text

    from tst.analysis.selection import difference
    from tst.analysis.tables.paper_table import POINTS, Figure, write_figure
    from tst.cli.console import wide_console

    console = wide_console()
    for name, side in (("a", a), ("b", b)):
        seeds = ", ".join(str(r.seed) for r in side)
        hashes = " ".join(r.hash for r in side)
        first = side[0]
        folds = first.scheme if first.group_by is None else f"grouped by {first.group_by}"
        print(f"{name}: {first.benchmark}, {first.subject}, {folds}, seed {seeds} ({hashes})")
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
    console.print(table)


def main() -> None:
    """Run the command and exit."""
    ConfigStore.instance().store(name="compare_schema", node=CompareConfig)
    sys.exit(run_command("compare", compare_job, lambda outcomes: None))


if __name__ == "__main__":
    main()
