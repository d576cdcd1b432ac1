"""``tst check`` and runs on files, in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands import run_command
from tests.conftest import SMALL


@pytest.fixture
def folder(tmp_path):
    rows = [
        {"question": f"Which {i}?", "options": ["red", f"h{i % 3}"], "answer": "AB"[i % 2]}
        for i in range(24)
    ]
    (tmp_path / "my.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    asked = [{"qid": f"q{i}", "question": f"Is jar {i} full?"} for i in range(24)]
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    (tmp_path / "gold.json").write_text(json.dumps({f"q{i}": "yn"[i % 2] for i in range(24)}))
    return tmp_path


def test_what_is_understood_and_the_command_that_runs_it(folder):
    done = run_command("tst.check", "my.jsonl", cwd=folder, fresh=True)
    assert done.returncode == 0, done.stderr
    assert "my: 24 questions in 24 rows of my.jsonl" in done.stdout
    assert "red | h0  -> red" in done.stdout
    assert done.stdout.rstrip().endswith("run it\n  tst audit my.jsonl")
    assert {path.name for path in folder.iterdir()} == {"my.jsonl", "asked.json", "gold.json"}


def test_what_is_not_understood_ends_with_code_2_and_the_command(folder):
    done = run_command("tst.check", "asked.json", cwd=folder)
    assert done.returncode == 2
    assert "gold.json has some, by qid" in done.stderr
    command = done.stderr.rstrip().splitlines()[-1].split()
    assert command[:3] == ["tst", "audit", "asked.json"]
    again = run_command("tst.check", *command[2:], cwd=folder)
    assert again.returncode == 0, again.stderr
    assert "24 mc  2 options (yes or no, from the gold)" in again.stdout
    audit = run_command("tst.audit", *command[2:], "dry_run=true", cwd=folder)
    assert audit.returncode == 0, audit.stderr
    assert run_command("tst.check", "none.csv", cwd=folder).returncode == 2


def test_the_command_names_a_file_anywhere_as_it_was_typed(folder):
    done = run_command("tst.check", str(folder / "my.jsonl"), "fold.k=4", fresh=True)
    assert done.stdout.rstrip().endswith(f"  tst audit {folder}/my.jsonl fold.k=4")


def test_a_benchmark_with_settings_of_a_run(folder):
    words = ["benchmark=planted", "diagnostic=rf", "fold=grouped5", "benchmark.n=48"]
    done = run_command("tst.check", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "48 generated questions" not in done.stderr and "planted" in done.stdout


def test_a_run_needs_nothing_but_the_file(folder):
    done = run_command("tst.main", "diagnostic=rf", *SMALL, "benchmark=my.jsonl", cwd=folder)
    assert done.returncode == 0, done.stderr
    record = Path(done.stdout.rstrip().splitlines()[-1].removeprefix("record: "))
    assert record.parts[-4] == "my"
    assert "24 mc  2 options; answers: letter" in done.stdout + done.stderr
    understood = json.loads((record / "summary.json").read_text())["data"]["understood"]
    assert understood["columns"]["answer"] == "answer"
    assert understood["types"][0]["answers"] == {"letter": 24}


def test_files_in_a_sweep_with_a_benchmark_by_name(folder):
    words = ["-m", "diagnostic=rf", *SMALL, "benchmark=planted,my.jsonl"]
    done = run_command("tst.main", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    records = [line for line in done.stdout.splitlines() if line.startswith("record: ")]
    assert [Path(line.removeprefix("record: ")).parts[-4] for line in records] == ["planted", "my"]
