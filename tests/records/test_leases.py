import json
import os
import subprocess
import sys
import time

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
