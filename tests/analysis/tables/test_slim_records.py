"""A page of results is made again from slim records, which hold no question's text."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.made_records import HOSTILE
from tst.analysis.study import Study
from tst.analysis.subjects import Subject
from tst.analysis.tables.build import TABLES, build_tables, keep_slim, read_sources, render_results
from tst.analysis.tables.folds import fold_table
from tst.analysis.tables.latex import render_latex
from tst.analysis.tables.paper_table import EARLIER, footnotes, write_figure
from tst.analysis.tables.results_page import COMMANDS
from tst.diagnostics.forest.declaration import Forest
from tst.records.run_records import Found, RunRecord, find_records
from tst.records.slim_records import without_places, without_text

NAMES = [name for name in TABLES if name not in ("noisy", "pruning", "pruning_gap")]


@pytest.fixture(scope="module")
def kept(study: tuple[Path, dict[str, Path]], tmp_path_factory: pytest.TempPathFactory):
    """A folder of slim records, and the page that was made from the whole ones."""
    slim = tmp_path_factory.mktemp("kept") / "records"
    sources = read_sources(study[0], slim=slim)
    tables = build_tables(sources, NAMES)
    assert keep_slim(tables, sources, study[0], slim) == 4
    return slim, render_results(tables, "tst tables", sources)


def test_the_page_is_the_same(kept: tuple[Path, str], tmp_path: Path) -> None:
    slim, page = kept
    sources = read_sources(tmp_path, slim=slim)
    again = render_results(build_tables(sources, NAMES), "tst tables", sources)
    assert again.split(f"## {COMMANDS}")[0] == page.split(f"## {COMMANDS}")[0]
    assert "grouped − random" in page


def test_the_paired_difference_is_kept(kept: tuple[Path, str], tmp_path: Path) -> None:
    folds = build_tables(read_sources(tmp_path, slim=kept[0]), ["folds"])[0]
    assert "[" in write_figure(folds.rows[0].cells["drop"])
    (kept[0] / "differences.json").rename(kept[0] / "away.json")
    try:
        folds = build_tables(read_sources(tmp_path, slim=kept[0]), ["folds"])[0]
        assert folds.rows[0].cells["drop"].reason == "needs the questions of slim records"
    finally:
        (kept[0] / "away.json").rename(kept[0] / "differences.json")


def test_they_hold_no_text(kept: tuple[Path, str], study: tuple[Path, dict[str, Path]]) -> None:
    questions = pd.read_parquet(study[1]["random"] / "questions.parquet")
    for path in kept[0].rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert HOSTILE not in text
            assert not any(question in text for question in questions["question"])
    files = {path.name for path in kept[0].rglob("*.*") if path.is_file()}
    assert files == {
        "config.yaml", "identity.json", "environment.json", "summary.json", "status.json",
        "differences.json",
    }  # fmt: skip


def test_what_quotes_the_source_goes() -> None:
    data = {"left_out": [{"reason": "gold 'zx'"}], "understood": {"columns": {}}, "questions": 3,
            "source": "/home/me/my.csv"}  # fmt: skip
    shortcuts = {"colour": {"listed": 3, "shortcut": "option_text", "why": "'red' is right"}}
    kept = without_text({"data": data, "shortcuts": shortcuts})
    assert kept["data"] == {"questions": 3, "source": "my.csv"}
    assert kept["shortcuts"] == {"colour": {"listed": 3, "shortcut": "option_text"}}


def test_commands_name_no_place_of_the_machine_that_ran_them(
    kept: tuple[Path, str], study: tuple[Path, dict[str, Path]]
) -> None:
    command = "python -m tst.main data_root=/d benchmark.path=/my/a.csv outputs_root=/o fold.k=5"
    assert without_places(command) == (
        "python -m tst.main data_root=DIR benchmark.path=FILE fold.k=5"
    )
    assert without_places("tst benchmark=../a/my.csv") == "tst benchmark=my.csv"
    for name in ("config.yaml", "environment.json", "summary.json"):
        assert not any(str(study[0]) in path.read_text() for path in kept[0].rglob(name))


def test_whole_records_come_first(
    kept: tuple[Path, str], study: tuple[Path, dict[str, Path]]
) -> None:
    sources = read_sources(study[0], slim=kept[0])
    assert len(sources.study.found.records) == 4
    assert all(record.path.is_relative_to(study[0]) for record in sources.study.found.records)
    assert keep_slim(build_tables(sources, NAMES), sources, study[0], kept[0]) == 4


def test_who_reads_questions_is_told(kept: tuple[Path, str]) -> None:
    found = find_records(kept[0])
    assert not found.records
    assert {u.state for u in found.unusable} == {"slim"}


def test_a_changed_summary_is_noticed(kept: tuple[Path, str]) -> None:
    path = sorted(kept[0].rglob("summary.json"))[0]
    before = path.read_text()
    summary = json.loads(before)
    summary["overall"]["score_hard"] = 0.99
    path.write_text(json.dumps(summary))
    try:
        states = [u.state for u in find_records(kept[0], slim=True).unusable]
        assert states == ["damaged"]
    finally:
        path.write_text(before)


def test_figures_of_an_earlier_version_are_kept_and_marked(
    kept: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Forest.version
    monkeypatch.setattr(Forest, "version", before + 1)
    sources = read_sources(tmp_path, slim=kept[0])
    [main] = build_tables(sources, ["main"])
    assert f"Figures marked {EARLIER}" in render_results([main], "tst tables", sources)
    row = main.rows[0].cells
    assert write_figure(row["rf_random"]).endswith(EARLIER)
    assert not write_figure(row["lora_llm_random"]).endswith(EARLIER)
    assert any(f"({EARLIER} TsT-RF version {before})" in note for note in footnotes(main))
    assert r"\dag{}" in render_latex(main)


def test_fold_schemes_are_compared_within_one_version(
    study: tuple[Path, dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random folds were run again with a new version, grouped ones were not."""
    found = find_records(study[0]).records
    again = [
        replace(r, path=r.path / "again", leaves={**r.leaves, "diagnostic.version": r.version + 1})
        for r in found
        if r.scheme == "random"
    ]
    monkeypatch.setattr(Forest, "version", Forest.version + 1)
    subject = Subject("rf", "TsT-RF", has_zero_shot=False)

    def versions(records: list[RunRecord]) -> list[int]:
        whole = Study(Found(records, []))
        pair = whole.fold_schemes(whole.question_sets[0], subject)
        return [choice.records[0].version for choice in pair if choice.records]

    assert versions([*found, *again]) == [Forest.version - 1] * 2
    left = [r for r in found if r.scheme == "grouped"]
    assert versions([*left, *again]) == [Forest.version, Forest.version - 1]
    folds = fold_table(Study(Found([*left, *again], [])))
    assert folds.rows[0].cells["drop"].reason.endswith("of one version")
