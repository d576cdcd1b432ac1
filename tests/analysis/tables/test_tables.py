import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.commands import ROOT
from tst.analysis.study import Study, pooled_fold_sd
from tst.analysis.tables.build import TABLES, build_tables, read_sources, write_tables
from tst.analysis.tables.latex import escape, render_latex
from tst.analysis.tables.paper_table import (
    POINTS,
    Column,
    Figure,
    PaperTable,
    Row,
    footnotes,
    mark_best,
    write_figure,
)
from tst.analysis.tables.plain_text import render_csv, render_markdown
from tst.analysis.tables.scores import main_table
from tst.core.number_text import DASH
from tst.records.run_records import find_records, read_record


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(0.4268, sd=0.012), "42.7 ± 1.2"),
        (Figure(-0.007, POINTS), "−0.7"),
        (Figure(0.179, POINTS, interval=(0.16, 0.2)), "+17.9 [+16.0, +20.0]"),
        (Figure(-0.0001, POINTS), "0.0"),
        (Figure(), "–"),
        (Figure(5130.0, "count"), "5,130"),
        (Figure(2.0**31, "gibibytes"), "2.0 GiB"),
    ],
)
def test_figures_are_written(figure: Figure, text: str) -> None:
    assert write_figure(figure) == text


def test_every_table_is_named_in_the_settings() -> None:
    settings = (ROOT / "conf" / "tables.yaml").read_text()
    assert f"# {' '.join(TABLES)}; []: all" in settings


def test_the_best_is_marked_with_its_ties() -> None:
    cells = {"a": Figure(0.5), "b": Figure(0.5), "c": Figure(0.4), "d": Figure()}
    assert [k for k, f in mark_best(cells, list(cells)).items() if f.best] == ["a", "b"]
    assert not mark_best({"a": Figure(0.5), "b": Figure()}, ["a", "b"])["a"].best


def test_the_main_table_averages_seeds(study: tuple[Path, dict[str, Path]]) -> None:
    root, paths = study
    [row] = main_table(Study(find_records(root))).rows
    seeds = [read_record(paths[name]) for name in ("random", "random_43")]
    scores = [r.summary["overall"]["score_hard"] for r in seeds]
    cell = row.cells["rf_random"]
    assert cell.value == pytest.approx(np.mean(scores))
    assert cell.seeds == (42, 43)
    assert set(cell.records) == {r.hash for r in seeds}
    assert not row.cells["lora_llm_delta"].missing


def test_fold_sd_is_that_of_all_folds(study: tuple[Path, dict[str, Path]]) -> None:
    root, paths = study
    found = Study(find_records(root))
    forest, *_ = found.subjects
    assert forest.title == "TsT-RF"
    choice = found.cell(found.question_sets[0], forest, "random")
    folds = []
    for name in ("random", "random_43"):
        rows = read_record(paths[name]).path / "predictions.parquet"
        import pandas as pd

        folds += pd.read_parquet(rows).groupby("fold")["hard"].mean().tolist()
    assert pooled_fold_sd(choice, "score_hard") == pytest.approx(np.std(folds, ddof=1))


def test_unfinished_records_are_named_and_never_averaged(
    study: tuple[Path, dict[str, Path]], tmp_path: Path
) -> None:
    root = tmp_path / "outputs"
    shutil.copytree(study[0], root)
    path = root / study[1]["llm"].relative_to(study[0]) / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "running"}))
    table = main_table(Study(find_records(root)))
    assert table.rows[0].cells["lora_llm_random"].missing
    notes = "\n".join(footnotes(table))
    assert "Left out, running: planted/lora_llm" in notes
    assert "– no finished record (running): TsT-LLM zero-shot" in notes


def test_renderings_carry_hashes_and_values(study: tuple[Path, dict[str, Path]]) -> None:
    root, paths = study
    for table in build_tables(read_sources(root), list(TABLES)):
        markdown, tex = render_markdown(table), render_latex(table)
        rows = list(csv.DictReader(io.StringIO(render_csv(table))))
        assert len(rows) == len(table.rows)
        headings = render_csv(table).splitlines()[0].split(",")
        assert len(headings) == len(set(headings))
        assert DASH not in render_csv(table)
        if table.rows and table.name == "main":
            assert paths["random"].name in markdown
            assert paths["random"].name in tex
            assert paths["random"].name in rows[0]["records"]
            assert "**" in markdown
            assert r"\textbf" in tex


def test_hostile_text_stays_text() -> None:
    nasty = r"50% of_a & b#1 {x} \cmd ~^ <i>|*"
    table = PaperTable("t", nasty, nasty, ("benchmark",), [Column("a", "a")])
    table.rows = [Row((nasty,), {"a": Figure(0.1)})]
    assert r"\%" in escape(nasty)
    assert r"\textbackslash{}cmd" in render_latex(table)
    line = next(ln for ln in render_markdown(table).splitlines() if ln.startswith("| 50%"))
    assert r"\|" in line
    assert r"\*" in line


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(study: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    tables = build_tables(read_sources(study[0]), list(TABLES))
    nasty = r"50% of_a & b#1 {x} \cmd ~^ <i>|* − ± Δ „x“ 漢"
    rows = [Row((nasty, str(i)), {"a": Figure(-0.1, POINTS)}) for i in range(40)]
    tables.append(PaperTable("nasty", nasty, nasty, ("b", "c"), [Column("a", "a", nasty)], rows))
    write_tables(tables, tmp_path)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "tables.pdf").stat().st_size > 10_000
