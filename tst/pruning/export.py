"""The pruned benchmark in the source's columns, and the full one with a column ``pruned``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tst.benchmarks.files import Record
from tst.pruning.loop import Pruning
from tst.pruning.own_format import write_like
from tst.records.files import as_plain, replacing, write_text

PRUNED = "pruned"


def write_benchmark(
    folder: Path, records: Sequence[Record], pruning: Pruning, source: str, name: str
) -> Path:
    """The pruned and the full benchmark as JSONL and Parquet; returns the pruned file to show.

    records: the source record of every question, in table order. A record that holds several
    questions is kept if at least one of them is kept.
    source: where they were read from; a file of another format than JSONL and Parquet is also
        written in its own and is the one that is shown
    name: of the benchmark; that of the pruned one begins with it, and so do its own records
    """
    full, pruned = with_pruned(records, pruning.kept)
    kept = [r for r, is_pruned in zip(full, pruned, strict=True) if not is_pruned]
    stem = f"{name}_{PRUNED}"
    write_records(folder / stem, kept)
    flag = free_name(full)
    write_records(folder / "full", [{**r, flag: p} for r, p in zip(full, pruned, strict=True)])
    return write_like(folder, stem, kept, Path(source.split(", ")[0]))


def with_pruned(records: Sequence[Record], kept: np.ndarray) -> tuple[list[Record], list[bool]]:
    """The distinct source records, and whether each of them is pruned."""
    keeps: dict[int, bool] = {}
    first: dict[int, Record] = {}
    is_kept = np.zeros(len(records), dtype=bool)
    is_kept[kept] = True
    for record, keep in zip(records, is_kept, strict=True):
        first.setdefault(id(record), record)
        keeps[id(record)] = keeps.get(id(record), False) or bool(keep)
    return list(first.values()), [not keeps[key] for key in first]


def free_name(records: Sequence[Record]) -> str:
    """``pruned``, with underscores appended where the source has a column of that name."""
    names = {key for record in records for key in record}
    name = PRUNED
    while name in names:
        name += "_"
    return name


def write_records(stem: Path, records: Sequence[Record]) -> None:
    """The records as JSONL and as Parquet; columns in the source's order."""
    lines = (json.dumps(as_plain(r), ensure_ascii=False, default=str) + "\n" for r in records)
    write_text(stem.with_name(f"{stem.name}.jsonl"), "".join(lines))
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = dict.fromkeys(key for record in records for key in record)
    table = pa.table({c: _arrow_column([as_plain(r.get(c)) for r in records]) for c in columns})
    with replacing(stem.with_name(f"{stem.name}.parquet")) as path:
        pq.write_table(table, path)


def _arrow_column(cells: list[Any]) -> Any:
    """A column as it is; as JSON text where its cells have several types or are empty mappings."""
    import pyarrow as pa

    with suppress(pa.ArrowInvalid, pa.ArrowTypeError):
        column = pa.array(cells)
        if not pa.types.is_struct(column.type) or column.type.num_fields:
            return column
    return pa.array([c if c is None or isinstance(c, str) else json.dumps(c) for c in cells])
