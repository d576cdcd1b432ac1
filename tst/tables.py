"""``python -m tst.tables``: the paper's tables from the records that exist.

Examples::

    tst tables
    tst tables 'tables=[main,types]' outputs_root=outputs
    tst tables results=docs/results.md
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
    """

    outputs_root: str = existing_folder("outputs")
    folder: str = "outputs/tables"
    tables: list[str] = field(default_factory=list)
    llm: str = ""
    results: str | None = None
    fail_fast: bool = False


def tabulate(config: TablesConfig) -> Outcome:
    """Write the tables and print where they are."""
    from tst.analysis.tables.build import (
        TABLES,
        build_tables,
        read_sources,
        render_results,
        write_tables,
    )
    from tst.records.files import write_text
    from tst.records.verification import describe_left_out

    if unknown := [t for t in config.tables if t not in TABLES]:
        raise UserError(f"tables={unknown}: expected some of {', '.join(TABLES)}.")
    sources = read_sources(Path(config.outputs_root), config.llm)
    found, models = sources.study.found, sources.study.models
    if config.llm and config.llm not in models:
        known = ", ".join(models) or "none is recorded"
        raise UserError(f"llm={config.llm}: no record of it. Recorded models: {known}.")
    tables = build_tables(sources, config.tables or list(TABLES))
    paths = write_tables(tables, Path(config.folder))
    if config.results is not None:
        command = shlex.join(["python", "-m", "tst.tables", *sys.argv[1:]])
        page = Path(config.results)
        earlier = page.read_text(encoding="utf-8") if page.exists() else ""
        write_text(page, render_results(tables, command, sources, earlier))
        paths.append(page)
    print(f"{len(found.records)} records read, {len(found.unusable)} left out")
    for sentence in describe_left_out(found.unusable):
        print(f"  {sentence}")
    for path in paths:
        print(path)
    return Outcome(FINISHED)


COMMAND = Command("tables", TablesConfig, tabulate)
main = COMMAND.main

if __name__ == "__main__":
    main()
