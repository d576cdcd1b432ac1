"""From a file to verdict, page and report."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.auditing.audited import SECRET, run_audit, write_file
from tests.commands import run_here
from tst.audit import arrange, public_command
from tst.auditing.findings import find_types
from tst.auditing.run import Audit
from tst.cli.audit_console import show_end, show_found
from tst.cli.tables import standard_output
from tst.records.files import read_json
from tst.stress_testing.verdict import headline


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, list[str]]:
    folder = tmp_path_factory.mktemp("audited")
    return run_audit(write_file(folder / "my.csv"), folder / "out")


def test_random_and_grouped_folds_are_run_and_grouped_ones_decide(audited) -> None:
    audit, _ = audited
    assert list(audit.runs) == ["random", "grouped", "siblings"]
    assert audit.plan.deciding == "grouped"
    assert audit.deciding.group_by == "scene"
    assert audit.folder.parts[-2:] == ("audits", "my")


def test_the_verdict_comes_before_the_nulls(audited) -> None:
    audit, pages = audited
    assert ["| colour | 79 |" in page for page in pages] == [True]
    assert "With permuted answers" not in pages[0]
    assert set(audit.deciding.summary["null"]) == {"permuted", "uniform"}


def test_the_shortcut_is_found_and_the_clean_type_is_not(audited) -> None:
    audit, _ = audited
    states = {t.question_type: t.state for t in find_types(audit)}
    assert states == {"colour": "exposed", "shape": "no sign"}
    assert headline(audit.deciding.summary).startswith("1 of 2 question types is answered without")


def test_verdict_json_has_the_figures_and_no_text(audited) -> None:
    audit, _ = audited
    text = (audit.folder / "verdict.json").read_text()
    verdict = json.loads(text)
    assert SECRET not in text
    assert verdict["exposed"] == ["colour"]
    assert verdict["no_sign"] == ["shape"]
    assert verdict["questions"] == 159
    assert verdict["rows_read"] == 160
    assert verdict["runs"]["grouped"]["hash"] == audit.deciding.hash
    assert verdict["to_mend"] == sum(t.to_mend for t in find_types(audit)) > 0
    assert verdict["null"]["permuted"]["draws"] == 1


def test_the_page_names_what_a_reader_needs(audited) -> None:
    audit, _ = audited
    page = (audit.folder / "audit.md").read_text()
    for part in (
        "# my: what is answered without looking", "| colour | 79 |", "exposed",
        "random folds", "grouped folds", "seed 42", "`tst audit my.csv`", audit.deciding.hash,
        audit.table.fingerprint, "159 questions of 160 rows", "@article{brown2025benchmark",
        "With permuted answers (1 draw)", "results version",
    ):  # fmt: skip
        assert part in page, part


def test_types_are_counted_alike_in_all_files_where_one_has_several_formats(tmp_path: Path) -> None:
    path = write_file(tmp_path / "my.csv")
    with path.open("a") as file:
        file.writelines(f"open{i},colour,What is {i}?,,,,,thing {i},s{i % 12}\n" for i in range(12))
    audit, _ = run_audit(path, tmp_path / "out", "null.repeats=0")
    assert {t.name for t in find_types(audit)} == {"colour (mc)", "colour (open)", "shape"}
    sentence = headline(audit.deciding.summary)
    assert sentence.startswith("1 of 2 question types is answered without looking: about")
    page = (audit.folder / "audit.md").read_text()
    assert sentence in page
    assert "1 of the 2 types have questions of several formats" in page
    assert "too few to tell: colour (open) (12 questions in all)" in page
    assert sentence in (audit.folder / "report.html").read_text()
    verdict = read_json(audit.folder / "verdict.json")
    assert verdict["headline"] == sentence
    assert (verdict["exposed"], verdict["no_sign"], verdict["too_few"]) == (
        ["colour"],
        ["shape"],
        [],
    )


def test_to_mend_lists_the_exposed_type_with_its_shortcut(audited) -> None:
    audit, _ = audited
    listed = pd.read_csv(audit.folder / "to_mend.csv")
    assert set(listed["question_type"]) == {"colour"}
    assert set(listed["shortcut"]) == {"option_text"}
    assert listed["adjusted"].is_monotonic_decreasing
    assert listed["question"].str.contains(SECRET).all()
    page = (audit.folder / "audit.md").read_text()
    assert "| colour | option\\_text |" in page
    assert f"lists the {len(listed)} questions" in page
    verdict = read_json(audit.folder / "verdict.json")
    assert verdict["shortcuts"]["colour"]["shortcut"] == "option_text"


def test_a_page_to_be_published_quotes_nothing(tmp_path: Path) -> None:
    path = write_file(tmp_path / "my.csv")
    audit, _ = run_audit(path, tmp_path / "out", "audit.text=false")
    for name in ("audit.md", "to_mend.csv", "verdict.json"):
        assert SECRET not in (audit.folder / name).read_text(), name
    assert "| colour | option\\_text |" in (audit.folder / "audit.md").read_text()


def test_the_report_is_of_the_audit_alone(audited) -> None:
    audit, _ = audited
    page = (audit.folder / "report.html").read_text()
    assert all(record.hash in page for record in audit.runs.values())


def test_an_audit_again_computes_nothing(tmp_path: Path) -> None:
    path = write_file(tmp_path / "my.csv")
    first, _ = run_audit(path, tmp_path / "out")
    folds = sorted((tmp_path / "out" / "runs").rglob("folds/*.parquet"))
    times = [fold.stat().st_mtime_ns for fold in folds]
    again, _ = run_audit(path, tmp_path / "out")
    assert [fold.stat().st_mtime_ns for fold in folds] == times
    assert again.deciding.hash == first.deciding.hash


@pytest.mark.parametrize(
    ("groups", "why"), [(0, "declare no groups"), (3, "3 groups (scene), fewer than the 5 folds")]
)
def test_without_usable_groups_random_folds_decide(tmp_path: Path, groups: int, why: str) -> None:
    audit, _ = run_audit(write_file(tmp_path / "my.csv", groups=groups), tmp_path / "out")
    assert list(audit.runs) == ["random"]
    assert why in audit.plan.why_alone
    assert f"No grouped folds: {audit.plan.why_alone}" in (audit.folder / "audit.md").read_text()


def test_a_clean_file_is_told_so(tmp_path: Path) -> None:
    audit, _ = run_audit(write_file(tmp_path / "my.csv", shortcut=False), tmp_path / "out")
    assert not any(t.is_exposed for t in find_types(audit))
    assert headline(audit.deciding.summary) == "No sign of a shortcut in 2 question types."


def test_the_language_model_runs_where_it_is_asked_for(tmp_path: Path) -> None:
    path = write_file(tmp_path / "my.csv")
    audit, _ = run_audit(path, tmp_path / "out", "audit.llm=true", "model=tiny")
    assert audit.runs["llm"].diagnostic == "lora_llm"
    assert audit.runs["llm"].group_by == "scene"
    assert "TsT-LLM" in (audit.folder / "audit.md").read_text()


def test_the_terminal_says_what_was_found_and_where_it_is(audited, capsys) -> None:
    audit, _ = audited
    files = {"report": audit.folder / "report.html"}
    show_found(audit, standard_output())
    show_end(audit, files, "not run: tst audit", standard_output())
    told = capsys.readouterr().out
    assert "my: 1 of 2 question types is answered without looking" in told
    assert "5 folds by scene" in told and "5 random folds" in told
    assert "not run: tst audit" in told
    assert f"report, list and page are in {audit.folder}\n" in told
    assert told.count("report.html") == 1
    listed = len(pd.read_csv(audit.folder / "to_mend.csv"))
    assert f"questions to mend ({listed}; of each type the first)" in told
    assert str(audit.folder / "report.html") in told


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("my.csv", "benchmark=my.csv"),
        ("my.csv --before old.csv fold.k=3", "benchmark=my.csv audit.before=old.csv fold.k=3"),
        ("benchmark=mmmu --before=old.csv", "benchmark=mmmu audit.before=old.csv"),
        ("--help", "--help"),
    ],
)
def test_the_command_line(typed: str, read: str) -> None:
    assert arrange(typed.split()) == read.split()


def test_a_published_command_has_no_places_of_this_machine() -> None:
    words = ["benchmark=/home/me/my.csv", "data_root=/d", "outputs_root=/o", "audit.text=false"]
    assert public_command(words) == "tst audit my.csv audit.text=false"


def test_the_command_from_a_file_to_exit_code_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_file(tmp_path / "my.csv", n=100, groups=0)
    words = ["my.csv", "diagnostic.trees=5", "diagnostic.members=[encodings]", "null.repeats=0"]
    words += ["audit.llm=false", "model=tiny"]
    words += ["audit.fail_if=exposed", "n_jobs=1", "diagnostic.inner_folds=2"]
    done = run_here("tst.audit", *words)
    assert done.returncode == 3, done.stderr
    last = done.stdout.rstrip().splitlines()[-1]
    assert last.startswith("record: ")
    assert read_json(tmp_path / "outputs/audits/my/verdict.json")["exposed"] == ["colour"]
    assert "audit.llm=true" in done.stdout


def test_mistakes_are_one_message_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_file(tmp_path / "my.csv")
    for words, message in (
        (["none.csv"], "none.csv"),
        (["my.csv", "audit.fail_if=always"], "audit.fail_if=always: expected exposed, or null"),
        (["my.csv", "fold.only=[0]"], "fold.only=[0]: an audit needs every fold"),
        (
            ["my.csv", "features.context=siblings"],
            "siblings: an audit's verdict is about questions",
        ),
    ):
        done = run_here("tst.audit", *words)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert "Traceback" not in done.stderr
