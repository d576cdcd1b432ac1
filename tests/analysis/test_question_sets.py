"""Records of one name with different questions are different entries, everywhere."""

import json
from pathlib import Path

import pytest

from tests.made_records import make_record
from tst.analysis.comparison import compare
from tst.analysis.figures.build import draw_all
from tst.analysis.question_sets import find_question_sets, unique_titles
from tst.analysis.record_names import name_records
from tst.analysis.report.assemble import render_report
from tst.analysis.report.overview import describe_overview
from tst.analysis.study import Study
from tst.analysis.tables.build import TABLES, build_tables, read_sources
from tst.analysis.tables.paper_table import PaperTable
from tst.cli.comparison_console import show_comparison
from tst.records.run_records import Found, find_records, read_record

RF = "diagnostic=rf"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random and grouped folds of one name with different questions, and further sets of it."""
    root = tmp_path_factory.mktemp("mixed")
    make_record(root, RF, "benchmark.n=120")
    make_record(root, RF, "fold=grouped5")
    make_record(root, RF, "fold=grouped5", "benchmark.seed=7")
    return root


def test_titles_are_apart_only_where_they_have_to_be() -> None:
    assert unique_titles({("mmmu", "a"): 9}) == {("mmmu", "a"): "MMMU"}
    apart = unique_titles({("my", "abcdefgh"): 9, ("my", "bcdefghi"): 9, ("my", "c"): 8})
    assert list(apart.values()) == [
        "my (9 questions, abcdef)", "my (9 questions, bcdefg)", "my (8 questions)",
    ]  # fmt: skip


def test_every_table_keeps_question_sets_apart(mixed: Path) -> None:
    tables = {t.name: t for t in build_tables(read_sources(mixed), list(TABLES))}
    sizes = {r.labels[0]: r.cells["n"].value for r in tables["main"].rows}
    assert list(sizes.values()) == [120, 96, 96]
    assert all(f"({int(n)} questions" in name for name, n in sizes.items())
    for name in ("types", "folds", "cost"):
        assert {r.labels[0] for r in tables[name].rows} == set(sizes), name
    assert len({c.span for c in tables["models"].columns}) == 3
    for row in tables["folds"].rows:
        assert row.cells["drop"].missing  # random and grouped folds have different questions
        assert row.cells["random"].missing != row.cells["grouped"].missing


def test_a_row_is_of_one_set(mixed: Path) -> None:
    records = {r.hash: r for r in find_records(mixed).records}

    def fingerprints(table: PaperTable, place: int) -> set[str]:
        hashes = [h for f in table.rows[place].cells.values() for h in f.records]
        return {records[h].fingerprint for h in hashes}

    for table in build_tables(read_sources(mixed), ["main", "main_soft", "types", "folds"]):
        for place in range(len(table.rows)):
            assert len(fingerprints(table, place)) == 1


def test_the_headline_subtracts_a_record_s_own_baseline(mixed: Path) -> None:
    found = find_records(mixed)
    gains = {
        100 * (r.summary["overall"]["score_hard"] - r.summary["overall"]["baseline"])
        for r in found.records
    }
    cards = {card["name"]: card for card in describe_overview(found)["cards"]}
    assert cards["above its baseline"]["value"] == f"{max(gains):+.1f}"


def test_a_headline_s_baseline_is_that_of_the_same_folds(tmp_path: Path) -> None:
    """A number's baseline depends on the folds: the row shows that of random folds alone."""
    words = ("fold=random5", "fold=grouped5", "benchmark.seed=3")
    found = Found([read_record(make_record(tmp_path, RF, word)) for word in words], [])
    scores = [(0.5, 0.3), (0.6, 0.5), (0.4, 0.3)]
    for record, (score, baseline) in zip(found.records, scores, strict=True):
        record.summary["overall"] |= {"score_hard": score, "baseline": baseline}
    cards = {card["name"]: card for card in describe_overview(found)["cards"]}
    assert cards["above its baseline"]["value"] == "+20.0"


def test_menu_entries_are_never_alike(tmp_path: Path) -> None:
    for word in ("features.context=none", "features.context=siblings", "diagnostic.leaf=9"):
        make_record(tmp_path, RF, word)
    make_record(tmp_path, RF, "diagnostic.trees=20")
    make_record(tmp_path, RF, "benchmark.seed=3")
    found = find_records(tmp_path)
    page = render_report(found, [], [], tmp_path)
    start = page.index('id="report-data">') + len('id="report-data">')
    data = json.loads(page[start : page.index("</script>", start)])
    entries = [f"{r['benchmark']}: {r['name']}" for r in data["records"]]
    assert len(set(entries)) == 5
    assert any("features.context=siblings" in entry for entry in entries)
    lone = [e for e, r in zip(entries, data["records"], strict=True) if "=" not in r["name"]]
    assert len(lone) == 1  # one record of its questions needs no settings to be told apart


def test_records_that_differ_in_much_are_named_by_hash(tmp_path: Path) -> None:
    plain = make_record(tmp_path, RF)
    words = ["trees=20", "leaf=9", "prior=2.0", "inner_folds=5"]
    other = make_record(tmp_path, RF, *(f"diagnostic.{word}" for word in words))
    names = name_records([read_record(plain), read_record(other)])
    assert names[0].endswith(f"record {plain.name}")
    assert names[1].endswith(f"record {other.name}")


def test_figures_have_files_of_their_own(mixed: Path) -> None:
    study = Study(find_records(mixed))
    names = {q.slug for q in study.question_sets}
    assert len(names) == 3
    figures = draw_all(mixed)
    assert all(sum(name in file for file in figures) >= 2 for name in names)


def test_compare_names_both_sets(mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = {r.summary["data"]["questions"]: r for r in find_records(mixed).records}
    a, b = [records[120]], [records[96]]
    show_comparison(compare(a, a), a, b, 0)
    told = capsys.readouterr().out
    assert "a: planted (120 questions)" in told
    assert "b: planted (96 questions" in told


def test_benchmarks_without_a_whole_record_are_listed() -> None:
    [only] = find_question_sets([], ["mmmu"])
    assert (only.title, only.slug, only.fingerprint) == ("MMMU", "mmmu", "")
