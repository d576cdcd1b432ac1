"""From a benchmark's settings to its question table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.benchmarks.files.hub import read_hub
from tst.benchmarks.files.limits import check_names
from tst.benchmarks.files.reading import WITH_PARTS, find_paths, read_one, suffix_of
from tst.benchmarks.files.records import ROW, FileRecords, Record, Source
from tst.benchmarks.planted import plant_rows
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.answer_files import join_answers
from tst.benchmarks.understanding.columns import choose_columns
from tst.benchmarks.understanding.nested import expand_nested
from tst.benchmarks.understanding.table import build_understood
from tst.core.errors import UserError
from tst.core.imports import import_object
from tst.core.questions import QuestionTable, build_table

MIN_PLANTED, AUTO_PLANTED = 16, 600


def load_benchmark(
    settings: BenchmarkSettings, data_root: str | Path | None = None
) -> QuestionTable:
    """Read, check and return a benchmark's questions, with what was understood of them.

    The rows come from ``settings.path``, else ``data_root/<name>/<local>``, else the hub; those of
    ``planted`` are generated, 600 of them where ``n`` is auto. Raises UserError.
    """
    if settings.is_generated():
        n = _planted_size(settings.n)
        source = f"planted, n={n}, seed={settings.seed}"
        return build_table(
            settings.name, plant_rows(n, settings.seed), strict=settings.strict, source=source
        )
    return table_from_source(settings, find_source(settings, data_root))


def table_from_frame(settings: BenchmarkSettings, frame: pd.DataFrame) -> QuestionTable:
    """A DataFrame as a checked table; an index with a name is a column too."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    check_names(names, "the DataFrame")
    cells = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
    records = [{n: _plain_cell(c) for n, c in zip(names, row, strict=True)} for row in cells]
    return _table_from_memory(settings, records, "a DataFrame")


def table_from_records(
    settings: BenchmarkSettings, records: Iterable[Mapping[str, Any]]
) -> QuestionTable:
    """Dicts, one per question, as a checked table."""
    listed = [{str(name): _plain_cell(c) for name, c in record.items()} for record in records]
    return _table_from_memory(settings, listed, "a list of dicts")


def _table_from_memory(
    settings: BenchmarkSettings, records: list[Record], name: str
) -> QuestionTable:
    if not records:
        raise UserError(f"benchmark {settings.name}: {name} without rows.")
    source = Source([FileRecords(name, records, ROW, range(len(records)))], name)
    return table_from_source(settings, complete(settings, source))


def _plain_cell(cell: Any) -> Any:
    """numpy's arrays and numbers as lists and Python's own."""
    return cell.tolist() if isinstance(cell, np.ndarray | np.generic) else cell


def table_from_source(settings: BenchmarkSettings, source: Source) -> QuestionTable:
    """Source records as a checked table, by the settings' reader and columns."""
    reader = None if settings.reader is None else import_function(settings.reader)
    return build_understood(settings, source, reader)


def _planted_size(n: Any) -> int:
    if n == "auto":
        return AUTO_PLANTED
    if isinstance(n, bool) or not isinstance(n, int) or n < MIN_PLANTED:
        raise UserError(
            f"benchmark.n={n}: expected auto or an integer of {MIN_PLANTED} or more "
            "(two questions per type)."
        )
    return n


def find_source(
    settings: BenchmarkSettings, data_root: str | Path | None, all_columns: bool = False
) -> Source:
    """The records of a benchmark, with their answers, one record per question.

    all_columns: also the text columns that make no question (the hub transfers the others alone)
    """
    return complete(settings, _read_source(settings, data_root, all_columns))


def complete(settings: BenchmarkSettings, source: Source) -> Source:
    """A source as it was read with the answers that stand apart, one record per question."""
    if settings.reader is None:
        source = expand_nested(source, settings.columns)
    if settings.answers.path is not None:
        source = join_answers(settings, source)
    return source


def _read_source(
    settings: BenchmarkSettings, data_root: str | Path | None, all_columns: bool
) -> Source:
    if settings.path is not None:
        return read_paths(settings.path, settings.sheet)
    tried = ""
    if data_root:
        root = Path(data_root).expanduser()
        if not root.is_dir():
            raise UserError(f"data_root={data_root}: no such folder.")
        pattern = settings.local or "*.jsonl"
        paths = sorted((root / settings.name).glob(pattern))
        if paths:
            return read_paths(paths, settings.sheet)
        tried = f"{root / settings.name / pattern} does not exist, and "
    if not settings.hub.repo:
        raise UserError(
            f"benchmark {settings.name}: {tried}it has no dataset on the hub. Set "
            "benchmark=FILE or benchmark.path=FILE (JSONL, JSON, CSV, TSV, Parquet or xlsx), "
            f"data_root=DIR (with {settings.name}/{settings.local or '*.jsonl'} in it) or "
            "benchmark.hub.repo=OWNER/NAME."
        )
    choose = list if all_columns else partial(choose_columns, settings)
    return read_hub(settings.name, settings.hub, choose, tried)


def read_paths(paths: Any, sheet: str | None = None) -> Source:
    """The records of a file, or of several files and patterns (``shards/*.parquet``), in order.

    sheet: for the files that have parts, ``benchmark.sheet``
    """
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    found = find_paths([str(path) for path in listed])
    if not found:
        raise UserError("benchmark.path=[]: name at least one file.")
    several = len(found) > 1
    files = []
    for path in found:
        has_parts = suffix_of(path) in WITH_PARTS
        files.append(read_one(path, sheet if has_parts or not several else None))
    return Source(files, ", ".join(str(path) for path in found))


def import_function(dotted: str) -> Callable[[Any], Any]:
    """The function at ``package.module.name``. Raises UserError when there is none."""
    function: Callable[[Any], Any] = import_object(
        dotted,
        "benchmark.reader",
        "the dotted path of a function, as in my_package.my_module.read_row",
    )
    if not callable(function):
        raise UserError(f"benchmark.reader={dotted}: is not a function.")
    return function
