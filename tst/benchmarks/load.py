"""From a benchmark's settings to its question table."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tst.benchmarks.columns import choose_columns
from tst.benchmarks.files import Record, read_file
from tst.benchmarks.hub import read_hub
from tst.benchmarks.planted import plant_rows
from tst.benchmarks.rows import read_rows
from tst.benchmarks.settings import BenchmarkSettings
from tst.core.errors import UserError
from tst.core.questions import QuestionTable, build_table

PLANTED = "planted"
MIN_PLANTED = 16


def load_benchmark(
    settings: BenchmarkSettings, data_root: Path | None = None, n_auto: int = 600
) -> QuestionTable:
    """Read, check and return a benchmark's questions.

    The rows come from ``settings.path``, else ``data_root/<name>/<local>``, else the hub; those of
    ``planted`` are generated, ``n_auto`` of them where ``n`` is auto. Raises UserError.
    """
    if settings.name == PLANTED and settings.path is None:
        n = _planted_size(settings.n, n_auto)
        source = f"planted, n={n}, seed={settings.seed}"
        return build_table(
            settings.name, plant_rows(n, settings.seed), strict=settings.strict, source=source
        )
    records, source, revision = find_records(settings, data_root)
    return table_from_records(settings, records, source, revision)


def table_from_records(
    settings: BenchmarkSettings, records: list[Record], source: str, revision: str = ""
) -> QuestionTable:
    """Source records (dicts) as a checked table, by the settings' reader and columns."""
    reader = None if settings.reader is None else import_function(settings.reader)
    rows = read_rows(settings, records, reader)
    return build_table(
        settings.name, rows, strict=settings.strict, source=source, revision=revision
    )


def _planted_size(n: Any, n_auto: int) -> int:
    if n == "auto":
        return n_auto
    if isinstance(n, bool) or not isinstance(n, int) or n < MIN_PLANTED:
        raise UserError(
            f"benchmark.n={n}: expected auto or an integer of {MIN_PLANTED} or more "
            "(two questions a type)."
        )
    return n


def find_records(
    settings: BenchmarkSettings, data_root: Path | None, all_columns: bool = False
) -> tuple[list[Record], str, str]:
    """Records, a text that says where they come from, and the hub's revision (else empty).

    all_columns: also the text columns that make no question (the hub transfers the others alone)
    """
    if settings.path is not None:
        path = Path(settings.path).expanduser()
        return read_file(path), str(path), ""
    tried = ""
    if data_root is not None:
        root = Path(data_root).expanduser()
        if not root.is_dir():
            raise UserError(f"data_root={data_root}: no such folder.")
        pattern = settings.local or "*.jsonl"
        paths = sorted((root / settings.name).glob(pattern))
        if paths:
            records = [record for path in paths for record in read_file(path)]
            return records, ", ".join(map(str, paths)), ""
        tried = f"{root / settings.name / pattern} does not exist, and "
    if not settings.hub.repo:
        raise UserError(
            f"benchmark {settings.name}: {tried}it has no dataset on the hub. Set "
            "benchmark.path=FILE (JSONL, JSON, CSV, TSV, Parquet or xlsx), data_root=DIR (with "
            f"{settings.name}/{settings.local or '*.jsonl'} in it) or "
            "benchmark.hub.repo=OWNER/NAME."
        )
    choose = list if all_columns else partial(choose_columns, settings)
    return read_hub(settings.name, settings.hub, choose, tried)


def import_function(dotted: str) -> Callable[[Any], Any]:
    """The function at ``package.module.name``. Raises UserError when there is none."""
    module_name, _, name = dotted.rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise UserError(
            f"benchmark.reader={dotted}: cannot be imported ({error}); expected the dotted path of "
            "a function, e.g. my_package.my_module.read_row (is its folder on PYTHONPATH?)."
        ) from error
    if not callable(function):
        raise UserError(f"benchmark.reader={dotted}: is no function.")
    return function
