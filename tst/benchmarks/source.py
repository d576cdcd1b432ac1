"""Back from a question table to its source: each question's record, in the source's own columns."""

from __future__ import annotations

from pathlib import Path

from tst.benchmarks.files import Record
from tst.benchmarks.load import find_source, import_function
from tst.benchmarks.planted import plant_rows
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.rows import read_given
from tst.core.errors import UserError
from tst.core.questions import QuestionTable


def source_records(
    settings: BenchmarkSettings, data_root: str | Path | None, table: QuestionTable
) -> list[Record]:
    """The source record of every question of a table, in table order; pictures are left out.

    Raises UserError when the source no longer has the rows that the table was read from.
    """
    if settings.is_generated():
        records = [dict(row) for row in plant_rows(table.rows_read, settings.seed)]
    else:
        records = find_source(settings, data_root, all_columns=True).records
        if settings.reader is not None:
            reader = import_function(settings.reader)
            # a record that holds several questions stands there once for each
            records = [record for record in records for _ in read_given(reader, record)]
    left_out = {left.position for left in table.left_out}
    kept = [record for row, record in enumerate(records) if row not in left_out]
    if len(records) != table.rows_read or len(kept) != len(table.frame):
        raise UserError(
            f"benchmark {table.name}: {table.source} has {len(records)} rows now, and had "
            f"{table.rows_read} when it was read; run the command again."
        )
    return kept
