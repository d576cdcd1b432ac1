"""`make bench` runs: what it measures is called as the diagnostic calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_benchmark(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, f"benchmarks/{script}", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def test_ways_of_training_folds_are_timed_and_their_losses_agree() -> None:
    questions = ["benchmark=planted", "benchmark.n=96"]
    few = ["--model", "tiny", "--rows", "40", "--k", "2", "--steps", "2", "--dropout", "0"]
    done = run_benchmark("llm_speed.py", *questions, *few)
    assert "Traceback" not in done.stderr
    for way in ("plain SFTTrainer", "sequential", "stacked, 2 folds", "stacked, upper 1"):
        assert way in done.stdout
    assert done.stdout.count("whole job, 40 questions") == 2
    assert done.stdout.count("losses of fold 0 agree") == 2


def test_other_trainers_and_ours_are_timed_on_the_same_rows() -> None:
    few = ["--shape", "tiny", "--steps", "2", "--warmup", "1", "--batch", "2"]
    words = ["benchmark=planted", "benchmark.n=24", "fold.k=2", "device=cpu"]
    done = run_benchmark("peers.py", *few, *words, "--llamafactory", "/nowhere/cli")
    for title in ("plain TRL ", "ours, the same settings ", "ours, its best settings "):
        (line,) = (each for each in done.stdout.splitlines() if each.startswith(title))
        assert "ms/step" in line and "tok/s" in line and "GiB" in line
    assert "LLaMA-Factory: not found" in done.stdout


def test_verdicts_on_drawn_answers_are_counted() -> None:
    few = ["--tables", "2", "--jobs", "1", "benchmark=planted", "benchmark.n=200"]
    fast = ["diagnostic.members=[prior]"]
    done = run_benchmark("null_verdicts.py", *few, *fast)
    tables = [line for line in done.stdout.splitlines() if line.startswith("planted table ")]
    assert len(tables) == 2
    assert all("of 5 types judged (5 in all)" in line for line in tables)  # the mc types
    assert "planted: the verdict names a type on " in done.stdout.splitlines()[-1]
    assert done.stdout.splitlines()[-1].endswith(" of 2 tables")
