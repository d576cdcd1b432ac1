"""What kills, full disks and dead children do to records. ``make faults`` runs more of each."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import StartedCommand, run_command
from tst.records.files import read_json

KILLS = int(os.environ.get("TST_KILLS", "4"))


def sweep(root: Path, n: int = 48, seeds: str = "1,2") -> tuple[str, ...]:
    """A sweep of quick forests on the planted benchmark, one job per fold seed."""
    return ("tst.main", "-m", "diagnostic=rf", "diagnostic.members=[encodings]", f"benchmark.n={n}",
            "diagnostic.trees=10", "diagnostic.inner_folds=2", "fold.k=3", "n_jobs=1",
            f"fold.seed={seeds}", f"outputs_root={root}")  # fmt: skip


def results_of(root: Path) -> dict[str, pd.DataFrame]:
    files = sorted(root.glob("runs/*/*/*/*/questions.parquet"))
    return {path.parent.name: pd.read_parquet(path) for path in files}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[dict[str, pd.DataFrame], float]:
    root = tmp_path_factory.mktemp("undisturbed")
    run_command("tst.main", "--help")  # so that the time is of the sweep, not of the first imports
    begun = time.perf_counter()
    done = run_command(*sweep(root))
    assert done.returncode == 0, done.stderr
    return results_of(root), time.perf_counter() - begun


def test_kill_9_at_random_moments_loses_nothing(undisturbed, tmp_path):
    expected, seconds = undisturbed
    assert len(expected) == 2
    moments = random.Random(0)
    survived = 0
    for number in range(KILLS):
        root = tmp_path / str(number)
        killed = StartedCommand(*sweep(root))
        time.sleep(moments.uniform(0.2, 1.0) * seconds)
        killed.signal(signal.SIGKILL)
        killed.end()
        finished = {p: p.stat().st_mtime_ns for p in root.rglob("folds/*.json")}
        again = run_command(*sweep(root))
        assert again.returncode == 0, again.stderr
        assert all(path.stat().st_mtime_ns == at for path, at in finished.items())
        assert not list(root.rglob("*.damaged-*"))
        found = results_of(root)
        assert found.keys() == expected.keys()
        for name, questions in expected.items():
            pd.testing.assert_frame_equal(found[name], questions)
        survived += 1
    print(f"kill -9: {KILLS} tried, {survived} survived, 0 lost")


def test_sigterm_marks_the_record_interrupted_within_seconds(tmp_path):
    command = StartedCommand(*sweep(tmp_path, n=4000))
    deadline = time.time() + 120
    while not list(tmp_path.rglob("leases/*.json")) and time.time() < deadline:
        time.sleep(0.05)
    begun = time.perf_counter()
    command.signal(signal.SIGTERM)
    code = command.end(60).returncode
    assert time.perf_counter() - begun < 20
    assert code == 143
    (status,) = tmp_path.rglob("status.json")
    assert read_json(status)["state"] == "interrupted"
    assert not list(tmp_path.rglob("leases/*.json"))


def test_a_full_disk_is_one_message_and_no_corrupt_record(tmp_path):
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs root to mount a small tmpfs")
    disk = tmp_path / "small"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)])
    if mounted.returncode != 0:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        full = run_command(*sweep(disk, n=96, seeds="1"))
        assert full.returncode in (1, 2)
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
        for sidecar in disk.rglob("folds/*.json"):
            assert read_json(sidecar)["sha256"]
        assert not list(disk.rglob("summary.json"))
        assert not list(disk.rglob("leases/*.json"))  # whoever continues need not wait
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        again = run_command(*sweep(disk, n=96, seeds="1"))
        assert again.returncode == 0, again.stderr
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_child_killed_for_memory_is_a_failed_job_with_a_reason(tmp_path):
    words = (*sweep(tmp_path, n=4000), "hydra/launcher=joblib")
    line = [sys.executable, "-m", *words]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    deadline = time.time() + 120
    while not (leases := list(tmp_path.rglob("leases/*.json"))) and time.time() < deadline:
        time.sleep(0.05)
    os.kill(int(read_json(leases[0])["pid"]), signal.SIGKILL)  # as the kernel's OOM killer does
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "ended without a message" in errors
