import shutil
from pathlib import Path

import pytest

from tests.made_records import make_record
from tst.analysis.tables.build import TABLES, build_tables, read_sources, render_results
from tst.analysis.tables.paper_table import write_figure
from tst.analysis.tables.results_page import COMMANDS, split_sections
from tst.analysis.tables.stratification import stratification_table
from tst.records.identity import RESULTS_VERSION

MAIN, FOLDS = "TsT by benchmark (hard scores)", "Grouped against random folds (hard scores)"
OWN = "What we make of it"

EARLIER = f"""# Results

Made from records by `an earlier command`.

## {MAIN}

*Results version 2.*

Old text of the main table, record aaaa00000001.

## {OWN}

Written by hand.

## {FOLDS}

Old text of the folds, record aaaa00000002.

## Pruning: scores with and without vision

*Results version 2.*

Old text of pruning, record aaaa00000003.

## {COMMANDS}

- `aaaa00000001`: `python -m tst.main one`
- `aaaa00000003`: `python -m tst.main three`
"""


@pytest.fixture(scope="module")
def stratified(study: tuple[Path, dict[str, Path]], tmp_path_factory: pytest.TempPathFactory):
    """The small study, and rf on folds that are stratified by answer."""
    root = tmp_path_factory.mktemp("stratified") / "outputs"
    shutil.copytree(study[0], root)
    return root, make_record(root, "diagnostic=rf", "fold=paper5")


def write_page(root: Path, names: list[str], earlier: str) -> tuple[str, dict[str, str]]:
    sources = read_sources(root)
    page = render_results(build_tables(sources, names), "tst.tables", sources, earlier)
    return page, split_sections(page)


def test_sections_with_records_are_replaced_and_the_others_stay(study) -> None:
    page, sections = write_page(study[0], list(TABLES), EARLIER)
    assert sections[MAIN].startswith(f"*Results version {RESULTS_VERSION}.*\n\nAccuracy")
    assert study[1]["random"].name in sections[MAIN]
    assert "Old text of the main table" not in page
    assert sections[FOLDS].startswith(f"*Results version {RESULTS_VERSION}.*")
    assert sections[OWN] == "Written by hand.\n"
    assert "*Results version 2.*\n\nOld text of pruning" in page
    assert list(sections)[:2] == [MAIN, "TsT by benchmark (soft scores)"]
    assert "an earlier command" not in page


def test_commands_of_records_that_the_page_still_names_stay(study) -> None:
    _, sections = write_page(study[0], list(TABLES), EARLIER)
    assert "aaaa00000003`: `python -m tst.main three`" in sections[COMMANDS]
    assert "aaaa00000001" not in sections[COMMANDS]
    assert study[1]["random"].name in sections[COMMANDS]


def test_tables_that_were_not_asked_for_stay(study) -> None:
    _, sections = write_page(study[0], ["folds"], EARLIER)
    assert "Old text of the main table" in sections[MAIN]
    assert "Old text of the folds" not in sections[FOLDS]


def test_without_records_nothing_is_lost_and_every_section_has_a_version(tmp_path) -> None:
    page, sections = write_page(tmp_path, list(TABLES), EARLIER)
    assert sections[FOLDS] == (
        f"*Results version not known: earlier than {RESULTS_VERSION}.*\n\n"
        "Old text of the folds, record aaaa00000002.\n"
    )
    assert list(sections) == list(split_sections(EARLIER))
    again, _ = write_page(tmp_path, list(TABLES), page)
    assert again == page


def test_a_new_page_has_the_tables_with_records_alone(study) -> None:
    _, sections = write_page(study[0], list(TABLES), "")
    assert MAIN in sections
    assert "Noisy instruction tuning" not in sections


def test_no_cell_mixes_fold_plans(stratified) -> None:
    root, by_answer = stratified
    sources = read_sources(root)
    for name, table in zip(TABLES, build_tables(sources, list(TABLES)), strict=True):
        hashes = {h for row in table.rows for f in row.cells.values() for h in f.records}
        assert (by_answer.name in hashes) == (name == "stratification")


def test_both_fold_plans_stand_side_by_side(stratified, study) -> None:
    study_of = read_sources(stratified[0]).study
    [row] = stratification_table(study_of).rows
    assert row.cells["majority.type"].seeds == (42, 43)
    assert row.cells["majority.answer"].records == (stratified[1].name,)
    assert row.cells["TsT-RF.difference"].missing  # the seeds are not the same
    assert write_figure(row.cells["TsT-RF.answer"]) != "–"
    assert stratification_table(read_sources(study[0]).study).rows == []


def test_figures_of_a_diagnostic_without_records_stay(tmp_path) -> None:
    """rf's records of a new version do not throw away the language model's of an earlier one."""
    make_record(tmp_path, "diagnostic=rf")
    old = EARLIER.replace("Old text of the main table", "TsT-LLM 42.2, TsT-RF 62.6")
    page, sections = write_page(tmp_path, ["main", "folds"], old)
    kept = f"{MAIN}, results version 2"
    assert sections[kept].startswith("*Results version 2.*\n\nTsT-LLM 42.2")
    assert sections[MAIN].startswith(f"*Results version {RESULTS_VERSION}.*")
    assert list(sections).index(kept) > list(sections).index(MAIN)
    assert not any(title.startswith(f"{FOLDS}, ") for title in sections)  # it named no diagnostic
    assert "aaaa00000001`: `python -m tst.main one`" in sections[COMMANDS]
    again, _ = write_page(tmp_path, ["main", "folds"], page)
    assert again == page
