"""`make bench` runs: what it measures is called as the diagnostic calls it."""

from __future__ import annotations

import logging
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def run_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a script of benchmarks/ in this process, as if it were started: what it printed."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setattr(logging.getLogger("tst"), "level", logging.INFO)

    def run(script: str, *words: str) -> str:
        monkeypatch.setattr(sys, "argv", [f"benchmarks/{script}", *words])
        runpy.run_path(f"benchmarks/{script}", run_name="__main__")
        printed, errors = capsys.readouterr()
        assert "Traceback" not in errors
        return printed

    return run


def test_ways_of_training_folds_are_timed_and_their_losses_agree(run_benchmark):
    questions = ["benchmark=planted", "benchmark.n=96"]
    few = ["--model", "tiny", "--rows", "40", "--k", "2", "--steps", "2", "--dropout", "0"]
    printed = run_benchmark("llm_speed.py", *questions, *few)
    for way in ("plain SFTTrainer", "sequential", "stacked, 2 folds", "stacked, upper 1"):
        assert way in printed
    assert printed.count("whole job, 40 questions") == 2
    assert printed.count("losses of fold 0 agree") == 2


def test_other_trainers_and_ours_are_timed_on_the_same_rows(run_benchmark, tmp_path):
    few = ["--shape", "tiny", "--steps", "2", "--warmup", "1", "--batch", "2",
           "--logs", str(tmp_path / "logs")]  # fmt: skip
    words = ["benchmark=planted", "benchmark.n=24", "fold.k=2", "device=cpu"]
    printed = run_benchmark("peers.py", *few, *words, "--llamafactory", "/nowhere/cli")
    for title in ("plain TRL ", "ours, the same settings ", "ours, its best settings "):
        (line,) = (each for each in printed.splitlines() if each.startswith(title))
        assert "ms/step (median " in line and "tok/s" in line and "GiB" in line
    assert "step" in (tmp_path / "logs" / "trl" / "output.txt").read_text()
    assert "LLaMA-Factory: not found" in printed


def test_trainers_that_are_stopped_by_the_limit_tell_what_they_did(run_benchmark) -> None:
    few = ["--shape", "tiny", "--steps", "3", "--warmup", "0", "--batch", "2", "--limit", "0"]
    words = ["benchmark=planted", "benchmark.n=24", "fold.k=2", "device=cpu"]
    shown = run_benchmark("peers.py", *few, *words, "--do", "trl,ours,best")
    told = [line for line in shown.splitlines() if "ms/step" in line]
    assert len(told) == 3
    assert all("folds at once, 1 steps; 2 folds of 3 steps" in line for line in told)


def test_verdicts_on_drawn_answers_are_counted(run_benchmark):
    few = ["--tables", "2", "--jobs", "1", "benchmark=planted", "benchmark.n=200"]
    fast = ["diagnostic.members=[prior]"]
    printed = run_benchmark("null_verdicts.py", *few, *fast)
    tables = [line for line in printed.splitlines() if line.startswith("planted table ")]
    assert len(tables) == 2
    assert all("of 5 types judged (5 in all)" in line for line in tables)  # the mc types
    assert "planted: the verdict names a type on " in printed.splitlines()[-1]
    assert printed.splitlines()[-1].endswith(" of 2 tables")
