"""Read an offline run back: W&B's transaction log is LevelDB's log format around its protobufs."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

BLOCK = 32768
HEADER = 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class OfflineRun:
    """What one .wandb file says; axes: key to the key that is its x axis."""

    id: str = ""
    project: str = ""
    group: str = ""
    name: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None


def records(path: Path) -> Iterator[Record]:
    """The file's protobuf records in order."""
    data = path.read_bytes()
    assert data[:4] == b":W&B"
    at, parts = HEADER, b""
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + HEADER])
        at += HEADER
        parts += data[at : at + length]
        at += length
        if kind in (FULL, LAST):
            record = Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def read_run(path: Path) -> OfflineRun:
    """The run in one .wandb file."""
    run = OfflineRun()
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            about = record.run
            run.id, run.project, run.group = about.run_id, about.project, about.run_group
            run.name, run.tags = about.display_name, list(about.tags)
            run.config = {u.key: json.loads(u.value_json) for u in about.config.update}
        elif kind == "history":
            run.history.append(_items(record.history.item))
        elif kind == "metric" and record.metric.step_metric:
            run.axes[record.metric.name] = record.metric.step_metric
        elif kind == "summary":
            run.summary |= _items(record.summary.update)
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def read_runs(outputs_root: Path) -> list[OfflineRun]:
    """All offline runs under an outputs folder."""
    return [read_run(p) for p in sorted((outputs_root / "wandb").glob("offline-run-*/*.wandb"))]


def the_run(outputs_root: Path) -> OfflineRun:
    """The only offline run under an outputs folder."""
    (run,) = read_runs(outputs_root)
    return run


def _items(items: Any) -> dict[str, Any]:
    return {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}
