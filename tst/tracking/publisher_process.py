"""The run's side: start the process that publishes, and let go of it. Never fails or waits long."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from tst.config.schema import RunConfig, to_plain
from tst.core.questions import QuestionTable
from tst.diagnostics.llm.settings import ModelSettings, model_slug
from tst.records.identity import identity_leaves
from tst.tracking.settings import TrackingSettings

log = logging.getLogger("tst")

AT_ONCE = 2
"""Processes of earlier jobs of a sweep that may still be publishing."""

_publishing: list[tuple[subprocess.Popen[str], float]] = []


@contextmanager
def tracked(config: RunConfig, table: QuestionTable, record: Path) -> Iterator[None]:
    """Publish a stress test's record while this block runs, and its end."""
    source = describe_source(table)
    leaves = identity_leaves(to_plain(config), config.fold.grouping(table.groups))
    with published(config.tracking, record, Path(config.outputs_root), leaves, source):
        yield


def describe_source(table: QuestionTable) -> dict[str, Any]:
    """What identifies the questions."""
    return {
        "name": table.name,
        "questions": len(table.frame),
        "fingerprint": table.fingerprint,
        "revision": table.revision,
    }


@contextmanager
def published(
    settings: TrackingSettings,
    record: Path,
    outputs_root: Path,
    leaves: dict[str, Any],
    source: dict[str, Any],
) -> Iterator[None]:
    """Publish the record while this block runs, and its end, from another process.

    leaves: the settings that can change a number, by dotted path
    source: what the record was computed from: its name, size, fingerprint, revision
    """
    if settings.name == "none":
        yield
        return
    order = {
        "record": str(record.resolve()),
        "outputs_root": str(outputs_root.resolve()),
        "leaves": without_path(leaves),
        "source": source,
        "settings": asdict(settings),
    }
    process = _start(order)
    try:
        yield
    finally:
        if process is not None:
            _let_go(process, settings.timeout)


def without_path(leaves: dict[str, Any]) -> dict[str, Any]:
    """The settings with a model's folder told by its last part alone."""
    name = leaves.get("model.name")
    if not isinstance(name, str) or not _is_path(name):
        return leaves
    return leaves | {"model.name": model_slug(ModelSettings(name))}


def _is_path(name: str) -> bool:
    """A folder, or what can be nothing else: a hub id has one slash at most."""
    return name.startswith(("/", ".", "~")) or name.count("/") > 1 or Path(name).exists()


def _start(order: dict[str, Any]) -> subprocess.Popen[str] | None:
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "tst.tracking.publisher"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the run; this process then says how it ended
            env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
    except OSError as error:
        log.warning("tracking: nothing is published (%s)", error)
        return None
    return process


def _let_go(process: subprocess.Popen[str], timeout: float) -> None:
    """Tell the process that the run has ended; it goes on by itself."""
    assert process.stdin is not None
    try:
        process.stdin.close()
    except OSError:
        log.warning("tracking: the process that publishes is gone; the record is complete")
    if not _publishing:
        Finalize(None, wait_for_publishing, exitpriority=1)
    # opening, uploading and closing may each take the timeout once
    _publishing.append((process, time.monotonic() + 3 * timeout))
    while len(_publishing) > AT_ONCE:
        _wait(*_publishing.pop(0))


def wait_for_publishing() -> None:
    """Wait until everything is published, each within its time; runs at the program's end too."""
    while _publishing:
        _wait(*_publishing.pop(0))


def _wait(process: subprocess.Popen[str], deadline: float) -> None:
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        log.warning("tracking: W&B took too long; the record is complete without it")
