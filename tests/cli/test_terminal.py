"""Runs, sweeps and mistakes as they look in a terminal of 80 and of 120 columns."""

import sys
from importlib.util import find_spec

import pytest

from tests import conftest
from tests.cli.terminal import in_terminal
from tests.commands import ROOT
from tst.cli.endings import EXTRAS
from tst.cli.summary_console import COLUMNS
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
QUICK = ("tst.main", *conftest.QUICK)


def test_a_run_fits_80_columns_and_is_complete_in_120(tmp_path):
    narrow = in_terminal(80, *QUICK, f"outputs_root={tmp_path}")
    assert narrow.code == 0, narrow.text
    record = narrow.lines[-2]
    assert record.startswith("record: ")
    assert max(len(line) for line in narrow.lines if str(tmp_path) not in line) <= 80
    assert "folds: 100%" in narrow.raw and "folds: 100%" not in narrow.text  # a bar, taken away
    assert "planted: fold 0-4: score" in narrow.text
    wide = in_terminal(120, *QUICK, f"outputs_root={tmp_path}")
    heading = next(line for line in wide.lines if line.startswith("question type"))
    for column in COLUMNS:
        if column.heading not in ("zero-shot", "delta"):  # rf has none
            assert column.heading in heading
    assert "no room" not in wide.text
    assert max(len(line) for line in wide.lines if str(tmp_path) not in line) <= 120


def test_a_sweep_shows_what_was_swept_a_line_per_record_and_each_reason_once(tmp_path):
    screen = in_terminal(
        80, "tst.main", "diagnostic=rf", *conftest.SMALL, "-m", "benchmark=planted,table",
        "fold.only=[0,1],[2,3,4]", f"outputs_root={tmp_path}",
    )  # fmt: skip
    assert screen.code == 2, screen.text
    at = next(i for i, line in enumerate(screen.lines) if line.startswith("job "))
    assert screen.lines[at].split()[:4] == ["job", "benchmark", "fold.only", "state"]
    table = screen.lines[at + 1 : at + 4]
    assert table[0].startswith("0, 1  planted    [0,1], [2,3,4]  finished")
    assert [row.split()[:2] for row in table[1:]] == [["2", "table"], ["3", "table"]]
    assert all("refused" in row for row in table[1:])
    assert screen.text.count("it has no dataset on the hub") == 1
    assert "jobs 2, 3 refused: benchmark table" in screen.text
    assert screen.text.count("record: ") == 1 and screen.lines[-2].startswith("record: ")
    assert "job 1: benchmark=planted fold.only=[2,3,4]" in screen.text
    assert "job 1: planted: fold 0-2: score" in screen.text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("outputs_root=/proc/none",), "outputs_root=/proc/none: No such file or directory"),
        (("-m", "fold.seed=1,2", "outputs_root=/proc/none"), "outputs_root=/proc/none:"),
        (("outputs_root=FILE",), "/file: Not a directory. Expected a folder that can be written"),
        (("-m", "hydra/launcher=ray"), "pip install 'tst-stress-test[ray]'"),
        (("-m", "hydra/launcher=slurm"), "pip install 'tst-stress-test[slurm]'"),
    ],
)
def test_what_cannot_be_written_or_is_not_installed_is_one_message(tmp_path, words, message):
    if "hydra/launcher=" in words[-1]:
        extra = words[-1].partition("=")[2]
        plugin = next(name for name, of in EXTRAS.items() if of == extra)
        if find_spec(f"hydra_plugins.{plugin}") is not None:
            pytest.skip(f"{plugin} is installed here")
        words = (*words, f"outputs_root={tmp_path}")
    (tmp_path / "file").write_text("in the way")
    words = tuple(word.replace("FILE", str(tmp_path / "file")) for word in words)
    screen = in_terminal(200, *QUICK, *words)
    assert screen.code == 2, screen.text
    assert message in screen.text and "Traceback" not in screen.text
    assert len([line for line in screen.lines if line]) == 1


def test_a_page_that_cannot_be_written_is_one_message(tmp_path):
    done = in_terminal(80, *QUICK, f"outputs_root={tmp_path}")
    assert done.code == 0, done.text
    screen = in_terminal(80, "tst.report", f"outputs_root={tmp_path}", "out=/proc/none/report.html")
    assert screen.code == 2 and "tst: /proc/none: No such file" in screen.text


def test_captum_that_is_missing_is_named(tmp_path):
    blocked = tmp_path / "captum.py"
    blocked.write_text("raise ImportError('not here')")
    screen = in_terminal(120, "tst.explain", "record=x", PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert screen.code == 2
    assert screen.lines[0] == (
        "tst: explanations need captum: pip install 'tst-stress-test[explain]'"
    )


def test_reading_weights_shows_neither_a_bar_nor_advice(tmp_path):
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer))).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    screen = in_terminal(
        80, "tst.main", f"model.name={tmp_path}/model", "benchmark.n=60", "fold.k=2",
        "device=cpu", "diagnostic.epochs=0.2", f"outputs_root={tmp_path}",
    )  # fmt: skip
    assert screen.code == 0, screen.text
    assert "folds:   0%" in screen.raw and "Loading" not in screen.raw
    assert "warn" not in screen.raw.lower()
