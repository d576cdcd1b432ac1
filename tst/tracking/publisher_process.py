"""Start the process that publishes a record, and end it with the run; never fails, never blocks."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from tst.tracking.content import TrackedRecord
from tst.tracking.settings import TrackingSettings

log = logging.getLogger("tst")

MOST_STILL_PUBLISHING = 2
"""Processes of earlier jobs of a sweep that may still be publishing."""

_publishing: list[tuple[subprocess.Popen[bytes], float]] = []


@contextmanager
def published(
    settings: TrackingSettings,
    record: Path,
    outputs_root: str | Path,
    source: dict[str, Any],
    shown: dict[str, Any] | None = None,
) -> Iterator[None]:
    """Publish a record from another process while this block runs, and how the run ended.

    source: what the record was computed from: its name, size, fingerprint, revision
    shown: settings that are shown besides those of the record's identity, by dotted path
    """
    if settings.name == "none":
        yield
        return
    root = Path(outputs_root).resolve()
    process = _start(TrackedRecord(record.resolve(), root, source, settings, shown or {}))
    try:
        yield
    finally:
        if process is not None:
            _stop_waiting_for(process, settings.timeout)


def _start(record: TrackedRecord) -> subprocess.Popen[bytes] | None:
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tst.tracking.publisher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the run; this process then says how it ended
            env=_environment(record.outputs_root),
        )
        assert process.stdin is not None
        pickle.dump(record, process.stdin)
        process.stdin.flush()
    except OSError as error:
        log.warning("tracking: nothing is published (%s)", error)
        return None
    return process


def _environment(outputs_root: Path) -> dict[str, str]:
    """The process' environment: wandb writes under the outputs alone and sends no error reports."""
    home = outputs_root / "wandb"
    places = {"WANDB_CACHE_DIR": str(home / "cache"), "WANDB_DATA_DIR": str(home / "data")}
    silent = {"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    light = {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return {**places, **os.environ, **silent, **light, "WANDB_DIR": str(outputs_root)}


def _stop_waiting_for(process: subprocess.Popen[bytes], timeout: float) -> None:
    """Signal the end of the run to the process, which finishes by itself."""
    assert process.stdin is not None
    try:
        process.stdin.close()
    except OSError:
        log.warning("tracking: the process that publishes has died; the record is complete")
    if not _publishing:  # not atexit, which the workers of joblib and Ray skip
        Finalize(None, wait_for_publishing, exitpriority=1)
    # opening, uploading and closing may each take the timeout once
    _publishing.append((process, time.monotonic() + 3 * timeout))
    wait_for_publishing(but=MOST_STILL_PUBLISHING)


def wait_for_publishing(but: int = 0) -> None:
    """Wait until all but the last few are published, each within its time."""
    while len(_publishing) > but:
        process, deadline = _publishing.pop(0)
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            log.warning("tracking: W&B took too long; the record is complete without it")
