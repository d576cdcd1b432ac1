"""Records with and without the context of the group, paired seed by seed."""

import pytest

from tests.made_records import make_record
from tst.analysis.tables.build import read_sources
from tst.analysis.tables.context import context_table
from tst.records.run_records import read_record
from tst.stress_testing.run import load_table

CONTEXT = "features.context=siblings"


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Seeds 42 and 43 alone, 43 and 44 with context, in folds by scene; and one of random folds."""
    root = tmp_path_factory.mktemp("context")
    rf = ("diagnostic=rf", "fold=grouped5")
    return root, {
        "alone": [make_record(root, *rf, f"fold.seed={seed}") for seed in (42, 43)],
        "context": [make_record(root, *rf, CONTEXT, f"fold.seed={seed}") for seed in (43, 44)],
        "random": [make_record(root, "diagnostic=rf")],
    }


def test_a_row_shows_both_figures_of_the_seeds_that_have_both(paths):
    root, made = paths
    [row] = context_table(read_sources(root).study).rows
    assert row.labels[1:] == ("TsT-RF", "5 folds by scene")
    assert row.cells["alone"].records == (made["alone"][1].name,)
    assert row.cells["context"].records == (made["context"][0].name,)
    alone = read_record(made["alone"][1]).summary["overall"]["score_hard"]
    assert row.cells["alone"].value == pytest.approx(alone)
    assert row.cells["difference"].value == pytest.approx(
        row.cells["context"].value - row.cells["alone"].value
    )
    assert row.cells["n"].value == 96


def test_records_that_read_which_part_of_the_set_a_question_is_from_have_a_row_too(
    tmp_path, monkeypatch
):
    def load_parts(config):
        table = load_table(config)
        table.frame["context"] = [{"dataset": str(i % 2)} for i in range(len(table.frame))]
        return table

    monkeypatch.setattr("tst.stress_testing.run.load_table", load_parts)
    rf = ("diagnostic=rf", "fold=grouped5")
    make_record(tmp_path, *rf)
    context = make_record(tmp_path, *rf, CONTEXT)
    assert "features.context.parts" in (context / "identity.json").read_text()
    [row] = context_table(read_sources(tmp_path).study).rows
    assert row.cells["context"].records == (context.name,)


def test_without_records_of_context_there_is_no_row(study):
    assert context_table(read_sources(study[0]).study).rows == []
