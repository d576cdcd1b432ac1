"""All tables of the paper from one outputs folder, written as LaTeX, Markdown and CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tst.analysis.experiments import Experiment, find_experiments
from tst.analysis.kept_differences import Differences
from tst.analysis.study import Study
from tst.analysis.tables.context import context_table
from tst.analysis.tables.cost import cost_table
from tst.analysis.tables.folds import fold_table
from tst.analysis.tables.information import information_table
from tst.analysis.tables.latex import render_document, render_latex
from tst.analysis.tables.models import model_table
from tst.analysis.tables.noisy import noisy_table
from tst.analysis.tables.paper_table import PaperTable
from tst.analysis.tables.plain_text import render_csv, render_markdown
from tst.analysis.tables.pruning import gap_table, solvability_table
from tst.analysis.tables.results_page import has_records, render_page
from tst.analysis.tables.scores import main_table, per_type_table
from tst.analysis.tables.stratification import stratification_table
from tst.noisy_tuning.record import VERSION
from tst.records.files import write_text
from tst.records.identity import RESULTS_VERSION
from tst.records.kinds import NOISY_TUNING, PRUNING
from tst.records.run_records import RunRecord, find_records
from tst.records.slim_records import is_slim, write_slim
from tst.records.verification import describe_left_out

Recorded = TypeVar("Recorded", RunRecord, Experiment)


@dataclass
class Sources:
    """What tables are made from."""

    study: Study
    pruning: list[Experiment]
    pruning_notes: list[str]
    noisy: list[Experiment]
    noisy_notes: list[str]

    @property
    def paths(self) -> dict[str, Path]:
        """The folder of every record, by its hash."""
        paths = [r.path for r in self.study.found.records]
        paths += [e.path for e in (*self.pruning, *self.noisy)]
        return {path.name: path for path in paths}


TABLES: dict[str, Callable[[Sources], PaperTable]] = {
    "main": lambda s: main_table(s.study),
    "main_soft": lambda s: main_table(s.study, "soft"),
    "types": lambda s: per_type_table(s.study),
    "folds": lambda s: fold_table(s.study),
    "stratification": lambda s: stratification_table(s.study),
    "context": lambda s: context_table(s.study),
    "information": lambda s: information_table(s.study),
    "models": lambda s: model_table(s.study),
    "pruning": lambda s: solvability_table(s.pruning, s.pruning_notes),
    "pruning_gap": lambda s: gap_table(s.pruning),
    "noisy": lambda s: noisy_table(s.noisy, s.noisy_notes),
    "cost": lambda s: cost_table(s.study),
}
"""Every table by the name of its files, in the paper's order."""


def read_sources(outputs_root: Path, model: str = "", slim: Path | None = None) -> Sources:
    """Find and verify the records under an outputs folder.

    slim: a folder of slim records; they stand in for those that are not under ``outputs_root``
    """
    found = find_records(outputs_root)
    pruning, pruning_bad = find_experiments(outputs_root, PRUNING)
    noisy, noisy_bad = find_experiments(outputs_root, NOISY_TUNING)
    if slim is not None:
        kept = find_records(slim, slim=True)
        found.records.extend(_missing(kept.records, found.records))
        found.unusable.extend(kept.unusable)
        for experiments, bad, kind in (
            (pruning, pruning_bad, PRUNING),
            (noisy, noisy_bad, NOISY_TUNING),
        ):
            more, unusable = find_experiments(slim, kind, slim=True)
            experiments.extend(_missing(more, experiments))
            bad.extend(unusable)
    study = Study(found, model, differences=Differences.read(slim))
    return Sources(
        study, pruning, describe_left_out(pruning_bad), noisy, describe_left_out(noisy_bad),
    )  # fmt: skip


def _missing(candidates: list[Recorded], present: list[Recorded]) -> list[Recorded]:
    """The candidates whose hash no record that is present has."""
    known = {record.hash for record in present}
    return [record for record in candidates if record.hash not in known]


def keep_slim(tables: list[PaperTable], sources: Sources, outputs_root: Path, slim: Path) -> int:
    """Write slim copies of the records that tables show; how many there are."""
    shown = {h for t in tables for row in t.rows for f in row.cells.values() for h in f.records}
    paths = [path for name, path in sources.paths.items() if name in shown and not is_slim(path)]
    for path in paths:
        write_slim(path, outputs_root, slim)
    sources.study.differences.write(slim)
    return len(paths)


def build_tables(sources: Sources, names: list[str]) -> list[PaperTable]:
    """The tables of these names."""
    return [TABLES[name](sources) for name in names]


def write_tables(tables: list[PaperTable], folder: Path) -> list[Path]:
    """<name>.tex, .md and .csv of each table that has records, and tables.tex.

    tables.tex shows every table that is in the folder, also those of earlier calls.
    """
    paths = []
    for table in filter(has_records, tables):
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
    there = [name for name in TABLES if (folder / f"{name}.tex").exists()]
    write_text(document, render_document(there))
    return [*paths, document]


def render_results(
    tables: list[PaperTable], command: str, sources: Sources, earlier: str = ""
) -> str:
    """The page of results: sections without records stay as they are in ``earlier``."""
    versions = dict.fromkeys(TABLES, str(RESULTS_VERSION))
    versions["noisy"] = f"{VERSION} of noisy tuning"
    commands = {r.hash: r.command for r in sources.study.found.records}
    labels = [subject.label for subject in sources.study.shown]
    return render_page(tables, versions, commands, command, earlier, labels)
