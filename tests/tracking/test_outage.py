"""A server that refuses, one that never answers, a run that is killed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.commands import StartedCommand
from tests.made_records import make_record
from tests.tracking.offline_runs import read_runs, the_run
from tst.records.files import read_json
from tst.tracking import publisher
from tst.tracking.content import TrackedRecord
from tst.tracking.publisher_process import wait_for_publishing
from tst.tracking.settings import TrackingSettings

pytest.importorskip("wandb")


@pytest.mark.parametrize("server", ["refuses", "hangs"])
def test_an_outage_is_one_line_in_the_log(quick_config, monkeypatch, tmp_path, server):
    from tst.stress_testing.run import run

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    if server == "hangs":
        listener.listen()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if server == "refuses":
        listener.close()
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", url)
    plain_started = time.perf_counter()
    run(quick_config(f"outputs_root={tmp_path}/plain"))
    plain = time.perf_counter() - plain_started
    started = time.perf_counter()
    result = run(quick_config("tracking=wandb", "tracking.timeout=3"))
    seconds = time.perf_counter() - started
    assert result.complete
    assert seconds < 3 * plain + 3, "the run waited for W&B"
    started = time.perf_counter()
    wait_for_publishing()
    assert time.perf_counter() - started < 20
    listener.close()
    said = [x for x in (result.record / "log").read_text().splitlines() if "tracking:" in x]
    assert len(said) == 1
    assert "cannot be reached" in said[0]
    (offline,) = read_runs(tmp_path)
    assert offline.summary["state"] == "finished"
    assert not read_json(result.record / "tracking" / "published.json")["online"]


class Server:
    """Stands in for W&B online: takes what it is sent; at the end it answers in time, or not."""

    def __init__(self, folder: Path) -> None:
        self.answers = False
        self.sent: list[list[str]] = []
        self.folder = str(folder)
        self.url = "https://wandb.example/run"
        self.online = True

    def open(self, record: TrackedRecord, online: bool) -> Server:
        assert online
        self.online = True
        self.sent.append([])
        return self

    def log_part(self, name: str) -> None:
        self.sent[-1].append(name)

    def close(self) -> bool:
        return self.answers

    def remove_offline(self, folder: str) -> None:
        assert self.answers and folder == self.folder


def test_what_the_server_did_not_take_whole_is_sent_again_until_it_is(tmp_path, monkeypatch):
    record = make_record(tmp_path, "diagnostic=rf")
    story = TrackedRecord(record, tmp_path, {}, TrackingSettings("wandb", mode="online"), {})
    server, over = Server(tmp_path / "wandb" / "run-1"), threading.Event()
    monkeypatch.setattr(publisher, "WandbRun", server.open)
    over.set()
    folds = [f"0-{f}" for f in range(5)]

    publisher.publish(story, over)
    assert server.sent == [folds]
    kept = read_json(record / "tracking" / "published.json")
    assert (kept["online"], kept["folder"]) == (False, server.folder)

    server.answers = True
    publisher.publish(story, over)
    assert server.sent == [folds, folds]
    kept = read_json(record / "tracking" / "published.json")
    assert (kept["online"], kept["folder"], kept["url"]) == (True, "", server.url)

    publisher.publish(story, over)
    assert len(server.sent) == 2


def test_wandb_is_imported_by_no_run(quick_config):
    code = (
        "import sys; from tst.config.composition import compose\n"
        "from tst.stress_testing.run import run\n"
        "run(compose(sys.argv[1:]))\n"
        "assert 'wandb' not in sys.modules"
    )
    config = quick_config()
    words = ["diagnostic=rf", "benchmark.n=96", "diagnostic.trees=5", "diagnostic.inner_folds=2",
             "tracking=wandb", f"outputs_root={Path(config.outputs_root)}"]  # fmt: skip
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)


def test_a_killed_run_ends_in_wandb_as_failed(tmp_path):
    run = StartedCommand("tst.main", "diagnostic=rf", "benchmark.n=2000", "n_jobs=1",
                         "tracking=wandb", f"outputs_root={tmp_path}")  # fmt: skip
    deadline = time.monotonic() + 200
    while not list(tmp_path.rglob("folds/*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.signal(signal.SIGKILL)
    run.end()
    while not (published := list(tmp_path.rglob("published.json"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert read_json(published[0])["state"] == "stopped"
    shown = the_run(tmp_path)
    assert (shown.exit_code, shown.summary["state"]) == (1, "stopped")
    assert sum("fold_score" in row for row in shown.history) == shown.summary["folds/finished"] >= 1
