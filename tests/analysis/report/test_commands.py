"""tables, report, compare and figures as a user types them, in processes of their own."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import run_command

Paths = tuple[Path, dict[str, Path]]


def test_tables(study: Paths, tmp_path: Path) -> None:
    root, paths = study
    page = tmp_path / "results.md"
    done = run_command(
        "tst.tables", f"outputs_root={root}", f"folder={tmp_path}/tables", f"results={page}",
        fresh=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 of 4 records" in done.stdout
    assert {p.suffix for p in (tmp_path / "tables").iterdir()} == {".tex", ".md", ".csv"}
    assert paths["random"].name in page.read_text()
    assert f"outputs_root={root}" in page.read_text()


def test_one_table_asked_for_leaves_the_document_of_all(study: Paths, tmp_path: Path) -> None:
    words = [f"outputs_root={study[0]}", f"folder={tmp_path}"]
    assert run_command("tst.tables", "tables=[main,types]", *words).returncode == 0
    whole = (tmp_path / "tables.tex").read_text()
    done = run_command("tst.tables", "tables=[types,noisy]", *words)
    assert done.returncode == 0, done.stderr
    assert "No records for noisy: not written." in done.stdout
    assert not (tmp_path / "noisy.tex").exists()
    assert (tmp_path / "tables.tex").read_text() == whole
    assert "{main}" in whole and "{types}" in whole


def test_report_and_compare(study: Paths, tmp_path: Path) -> None:
    root, paths = study
    out = tmp_path / "report.html"
    done = run_command(
        "tst.report", f"outputs_root={root}", f"record={paths['llm']}", f"out={out}", fresh=True
    )
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout
    assert out.read_text().startswith("<!doctype html>")
    a = f"a=[{paths['random']},{paths['random_43']}]"
    b, table = f"b={paths['llm']}", tmp_path / "differences.csv"
    done = run_command("tst.compare", a, b, f"out={table}", f"outputs_root={root}", fresh=True)
    assert done.returncode == 0, done.stderr
    assert "seed 42, 43" in done.stdout
    assert pd.read_csv(table)["question_type"].iloc[-1] == "overall"


def test_figures(study: Paths, tmp_path: Path) -> None:
    done = run_command("tst.figures", f"outputs_root={study[0]}", f"folder={tmp_path}", fresh=True)
    assert done.returncode == 0, done.stderr
    names = {p.stem for p in tmp_path.iterdir()}
    assert {"benchmarks", "types-planted-rf-random", "questions-planted-rf-grouped"} <= names
    assert all(p.read_bytes().startswith(b"%PDF") for p in tmp_path.iterdir())


def test_a_record_of_another_machine_is_reported_where_no_outputs_are(
    study: Paths, tmp_path: Path
) -> None:
    record = study[1]["random"]
    shutil.copytree(record, tmp_path / record.name)
    done = run_command("tst.report", f"record={record.name}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "outputs" / "report.html").read_text()
    assert '"benchmark":"planted"' in page and f'"benchmark":"{tmp_path.name}"' not in page


@pytest.mark.parametrize(
    ("command", "words", "message"),
    [
        ("tables", ["tables=[nope]"], "expected some of main"),
        ("tables", ["llm=nope"], "no record of it"),
        ("tables", ["outputs_root={empty}"], "no finished record for tables=main,main_soft"),
        ("tables", ["tables=[noisy]"], "no finished record for tables=noisy"),
        ("tables", ["outputs_root=/no/such"], "expected an existing folder"),
        ("report", ["record=/no/such"], "is not a record"),
        ("report", ["outputs_root={empty}"], "no finished record"),
        (
            "report",
            ["outputs_root=/no/such"],
            "wherever its folder is, is record=PATH",
        ),
        ("compare", ["a=/no/such"], "b is not given"),
        ("compare", ["a=/no/such", "b=/no/such"], "is not a record"),
        ("figures", ["outputs_root={empty}"], "no finished record"),
        ("report", ["recrod=x"], "recrod"),
    ],
)
def test_mistakes_are_one_message(
    study: Paths, tmp_path: Path, command: str, words: list[str], message: str
) -> None:
    given = [w.format(empty=tmp_path) for w in words]
    root = [] if any(w.startswith("outputs_root") for w in words) else [f"outputs_root={study[0]}"]
    done = run_command(f"tst.{command}", *given, *root, f"hydra.run.dir={tmp_path}/hydra")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name", ["rf_random", "rf_grouped", "rf_paper", "llm_random", "llm_grouped", "models"]
)
def test_every_experiment_is_a_sweep_that_composes(name: str, tmp_path: Path) -> None:
    from hydra import compose, initialize_config_dir

    from tst.config.composition import CONFIG_FOLDER, register_schema

    register_schema()
    with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
        config = compose("config", [f"experiment={name}"], return_hydra_config=True)
        params = config.hydra.sweeper.params
        first = [f"{key}={str(value).split(',')[0]}" for key, value in params.items()]
        compose("config", [f"experiment={name}", *first])
    assert config.hydra.mode.name == "MULTIRUN"
