"""Records from Arrow and Feather files, and datasets that Hugging Face saved to a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tst.benchmarks.files.limits import check_bytes, check_cells, check_names, list_names
from tst.benchmarks.files.parquet import decoded_records, holds_bytes
from tst.benchmarks.files.records import FileRecords, Record, numbered
from tst.core.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

STATE, SPLITS = "state.json", "dataset_dict.json"
"""What ``Dataset.save_to_disk`` and ``DatasetDict.save_to_disk`` leave in a folder."""


def read_arrow(path: Path) -> FileRecords:
    """Rows of a file of Arrow batches, without the columns that hold bytes."""
    import pyarrow as pa

    records: list[Record] = []
    size = 0
    try:
        with _open_batches(path) as (schema, batches):
            check_names(schema.names, str(path))
            columns = [field.name for field in schema if not holds_bytes(field.type)]
            for batch in batches:
                chosen = batch.select(columns)
                size += chosen.nbytes
                check_bytes(size, str(path))
                records += decoded_records(chosen)
                check_cells(len(records) * len(columns), str(path))
    except (pa.ArrowException, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path}: no readable Arrow file ({reason:.200}).") from error
    return numbered(str(path), records)


@contextmanager
def _open_batches(path: Path) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """The schema and the batches of a file in either of Arrow's two layouts."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        if path.stat().st_size >= 6 and file.read(6) == b"ARROW1":
            whole = pa.ipc.open_file(file)
            yield (
                whole.schema,
                (whole.get_batch(i) for i in range(whole.num_record_batches)),
            )
            return
        file.seek(0)
        stream = pa.ipc.open_stream(file)
        yield stream.schema, iter(stream)


def saved_files(folder: Path) -> list[Path] | None:
    """The files of a dataset that was saved to this folder, in order; None where none was.

    Raises UserError for a folder with several splits, and for a damaged description.
    """
    try:
        if (folder / SPLITS).is_file():
            splits = json.loads((folder / SPLITS).read_text("utf-8"))["splits"]
            choices = [str(folder / str(split)) for split in splits]
            raise UserError(
                f"{folder} is a dataset with the splits {list_names(list(map(str, splits)))}: name "
                f"one of them, e.g. benchmark={choices[0] if choices else folder}."
            )
        if not (folder / STATE).is_file():
            return None
        files = json.loads((folder / STATE).read_text("utf-8"))["_data_files"]
        return [folder / str(file["filename"]) for file in files]
    except (ValueError, LookupError, TypeError, OSError) as error:
        raise UserError(f"{folder}: no readable saved dataset ({error}).") from error
