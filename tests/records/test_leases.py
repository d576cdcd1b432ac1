import json
import os
import resource
import subprocess
import sys
import time

import pytest

from tst.records.leases import STALE_SECONDS, Leases, process_start


def test_a_lease_is_held_once(tmp_path):
    one, two = Leases(tmp_path), Leases(tmp_path)
    assert one.take("0-0.json")
    assert not two.take("0-0.json")
    assert two.holder("0-0.json") == one.owner
    one.give_back("0-0.json")
    assert two.take("0-0.json")
    two.close()
    assert not list(tmp_path.glob("*.json"))


def test_the_lease_of_a_dead_process_is_taken_over_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tst.records.leases import Leases\n"
        "assert Leases(Path(sys.argv[1])).take('0-1.json'); import os; os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / "0-1.json").exists()
    leases = Leases(tmp_path)
    assert leases.holder("0-1.json") is None
    assert leases.take("0-1.json")
    assert json.loads((tmp_path / "0-1.json").read_text())["pid"] == os.getpid()


def test_a_lease_that_could_not_be_written_is_not_left_behind(tmp_path):
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most[1]))  # as on a full disk
    try:
        with pytest.raises(OSError):
            Leases(tmp_path).take("0-0.json")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert not list(tmp_path.iterdir())
    assert Leases(tmp_path).take("0-0.json")


def test_a_reused_process_id_is_not_the_owner(tmp_path):
    leases = Leases(tmp_path)
    assert leases.take("0-0.json")
    entry = json.loads((tmp_path / "0-0.json").read_text())
    (tmp_path / "0-0.json").write_text(json.dumps({**entry, "started": "1"}))
    assert leases.holder("0-0.json") is None
    assert process_start(os.getpid()) == entry["started"] != ""


def test_another_host_is_believed_while_its_heart_beats(tmp_path):
    entry = {"host": "elsewhere", "pid": 1, "started": "7", "token": "x"}
    path = tmp_path / "0-2.json"
    path.write_text(json.dumps(entry))
    leases = Leases(tmp_path)
    assert not leases.take("0-2.json")
    old = time.time() - STALE_SECONDS - 1
    os.utime(path, (old, old))
    assert leases.take("0-2.json")


@pytest.mark.parametrize("ahead", [120, -120])
def test_a_clock_that_is_wrong_neither_takes_nor_keeps_a_lease(tmp_path, monkeypatch, ahead):
    entry = json.dumps({"host": "elsewhere", "pid": 1, "started": "7", "token": "x"})
    for name in ("live.json", "stale.json", "torn.json"):
        (tmp_path / name).write_text(entry if name != "torn.json" else "{")
    old = time.time() - STALE_SECONDS - 30
    os.utime(tmp_path / "stale.json", (old, old))
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + ahead)
    leases = Leases(tmp_path)
    assert not leases.take("live.json")
    assert not leases.take("torn.json")
    assert leases.take("stale.json")
    leases.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["live.json", "torn.json"]
    assert leases.holders() == ["process 0 on unknown host", "process 1 on elsewhere"]


def test_a_file_server_whose_clock_differs_is_the_one_that_counts(tmp_path, monkeypatch):
    """The heartbeat and the probe are stamped by the same clock, here an hour behind ours."""
    path = tmp_path / "0-0.json"
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": "7", "token": "x"}))
    stamp = os.fstat

    def behind(descriptor: int) -> os.stat_result:
        found = stamp(descriptor)
        return os.stat_result([*found[:8], found.st_mtime - 3600, found.st_ctime])

    monkeypatch.setattr(os, "fstat", behind)
    for age, free in ((5, False), (STALE_SECONDS + 5, True)):
        written = time.time() - 3600 - age
        os.utime(path, (written, written))
        assert (Leases(tmp_path).holder(path.name) is None) is free


def test_holders_can_be_listed_where_nothing_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text(
        json.dumps({"host": "elsewhere", "pid": 1, "started": "7", "token": "x"})
    )

    def refuse(**kwargs: object) -> None:
        raise PermissionError

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert Leases(tmp_path).holders() == ["process 1 on elsewhere"]
