"""All tables of the paper from one outputs folder, written as LaTeX, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tst.analysis.experiments import Experiment, find_experiments
from tst.analysis.study import Study
from tst.analysis.tables.cost import cost_table
from tst.analysis.tables.folds import fold_table
from tst.analysis.tables.latex import render_document, render_latex
from tst.analysis.tables.models import model_table
from tst.analysis.tables.noisy import noisy_table
from tst.analysis.tables.paper_table import PaperTable
from tst.analysis.tables.plain_text import render_csv, render_markdown
from tst.analysis.tables.pruning import gap_table, solvability_table
from tst.analysis.tables.results_page import render_page
from tst.analysis.tables.scores import main_table, per_type_table
from tst.analysis.tables.stratification import stratification_table
from tst.noisy_tuning.record import VERSION
from tst.records.files import write_text
from tst.records.identity import RESULTS_VERSION
from tst.records.kinds import NOISY_TUNING, PRUNING
from tst.records.run_records import find_records
from tst.records.verification import describe_left_out


@dataclass
class Sources:
    """What tables are made from."""

    study: Study
    pruning: list[Experiment]
    pruning_notes: list[str]
    noisy: list[Experiment]
    noisy_notes: list[str]


TABLES: dict[str, Callable[[Sources], PaperTable]] = {
    "main": lambda s: main_table(s.study),
    "main_soft": lambda s: main_table(s.study, "soft"),
    "types": lambda s: per_type_table(s.study),
    "folds": lambda s: fold_table(s.study),
    "stratification": lambda s: stratification_table(s.study),
    "models": lambda s: model_table(s.study),
    "pruning": lambda s: solvability_table(s.pruning, s.pruning_notes),
    "pruning_gap": lambda s: gap_table(s.pruning),
    "noisy": lambda s: noisy_table(s.noisy, s.noisy_notes),
    "cost": lambda s: cost_table(s.study),
}
"""Every table by the name of its files, in the paper's order."""


def read_sources(outputs_root: Path, model: str = "") -> Sources:
    """Find and verify the records under an outputs folder."""
    study = Study(find_records(outputs_root), model)
    pruning, pruning_bad = find_experiments(outputs_root, PRUNING)
    noisy, noisy_bad = find_experiments(outputs_root, NOISY_TUNING)
    return Sources(
        study, pruning, describe_left_out(pruning_bad), noisy, describe_left_out(noisy_bad),
    )  # fmt: skip


def build_tables(sources: Sources, names: list[str]) -> list[PaperTable]:
    """The tables of these names."""
    return [TABLES[name](sources) for name in names]


def write_tables(tables: list[PaperTable], folder: Path) -> list[Path]:
    """<name>.tex, .md and .csv a table, and tables.tex, a document of them all."""
    paths = []
    for table in tables:
        renderings = {
            "tex": render_latex(table),
            "md": render_markdown(table),
            "csv": render_csv(table),
        }
        for suffix, text in renderings.items():
            path = folder / f"{table.name}.{suffix}"
            write_text(path, text)
            paths.append(path)
    document = folder / "tables.tex"
    write_text(document, render_document([t.name for t in tables]))
    return [*paths, document]


def render_results(
    tables: list[PaperTable], command: str, sources: Sources, earlier: str = ""
) -> str:
    """The page of results: sections without records stay as they are in ``earlier``."""
    versions = dict.fromkeys(TABLES, str(RESULTS_VERSION))
    versions["noisy"] = f"{VERSION} of noisy tuning"
    commands = {r.hash: r.command for r in sources.study.found.records}
    return render_page(tables, versions, commands, command, earlier)
