"""``python -m tst.tables``: the paper's tables from the records that exist.

Examples::

    tst tables
    tst tables 'tables=[main,types]' outputs_root=outputs
    tst tables results=docs/results.md records=docs/records
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.errors import UserError
from tst.core.ranges import existing_folder


@dataclass
class TablesConfig:
    """What to tabulate and where to.

    outputs_root: records are read from it; folder: where tables go
    tables: names; empty for all
    llm: slug of the language model in tables with one LLM column; empty: the most recorded one
    results: also write the tables into this one Markdown file; its sections without records stay
    records: folder of slim records (no questions): they stand in for records that are not under
        outputs_root, and those that the tables show are added
    """

    outputs_root: str = existing_folder("outputs")
    folder: str = "outputs/tables"
    tables: list[str] = field(default_factory=list)
    llm: str = ""
    results: str | None = None
    records: str | None = None
    fail_fast: bool = False


def tabulate(config: TablesConfig) -> Outcome:
    """Write the tables and print where they are."""
    from tst.analysis.tables.build import (
        TABLES,
        build_tables,
        keep_slim,
        read_sources,
        render_results,
        write_tables,
    )
    from tst.analysis.tables.results_page import has_records
    from tst.records.files import write_text
    from tst.records.verification import describe_left_out

    if unknown := [t for t in config.tables if t not in TABLES]:
        raise UserError(f"tables={unknown}: expected some of {', '.join(TABLES)}.")
    root = Path(config.outputs_root)
    slim = Path(config.records) if config.records is not None else None
    sources = read_sources(root, config.llm, slim)
    found, models = sources.study.found, sources.study.models
    if config.llm and config.llm not in models:
        known = ", ".join(models) or "none is recorded"
        raise UserError(f"llm={config.llm}: no record of it. Recorded models: {known}.")
    tables = build_tables(sources, config.tables or list(TABLES))
    left_out = describe_left_out(found.unusable)
    empty = [table.name for table in tables if not has_records(table)]
    if len(empty) == len(tables):
        raise UserError(
            "\n".join(
                [f"outputs_root={root}: no finished record for tables={','.join(empty)}. Run a "
                 "stress test first: tst diagnostic=rf", *left_out]
            )
        )  # fmt: skip
    paths = write_tables(tables, Path(config.folder))
    if config.results is not None:
        command = shlex.join(["tst", "tables", *sys.argv[1:]])
        page = Path(config.results)
        earlier = page.read_text(encoding="utf-8") if page.exists() else ""
        write_text(page, render_results(tables, command, sources, earlier))
        paths.append(page)
    read = len(found.records) + len(sources.pruning) + len(sources.noisy)
    print(f"{read} of {read + len(found.unusable)} records")
    for sentence in left_out:
        print(f"  {sentence}")
    if empty:
        print(f"  No records for {', '.join(empty)}: not written.")
    if slim is not None:
        count = keep_slim(tables, sources, root, slim)
        print(f"  {count} records were added to {slim}")
    for path in paths:
        print(path)
    return Outcome(FINISHED)


COMMAND = Command("tables", TablesConfig, tabulate)
main = COMMAND.main

if __name__ == "__main__":
    main()
