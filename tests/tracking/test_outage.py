"""A server that refuses, and one that never answers: the run does not notice."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.tracking.offline_runs import read_runs
from tst.tracking.beside import wait_for_publishing

pytest.importorskip("wandb")


@pytest.mark.parametrize("server", ["refuses", "hangs"])
def test_an_outage_is_one_line_in_the_log(quick_config, monkeypatch, tmp_path, server):
    from tst.running import run

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


def test_wandb_is_imported_by_no_run(quick_config):
    import subprocess
    import sys

    code = (
        "import sys; from tst.config import compose; from tst.running import run\n"
        "run(compose(sys.argv[1:]))\n"
        "assert 'wandb' not in sys.modules"
    )
    config = quick_config()
    words = ["diagnostic=rf", "benchmark.n=96", "diagnostic.trees=5", "tracking=wandb",
             f"outputs_root={Path(config.outputs_root)}"]  # fmt: skip
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)
