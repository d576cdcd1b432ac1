"""Records from Parquet files, whose library is only loaded for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tst.benchmarks.files.limits import MAX_BYTES, check_bytes, check_cells, check_names
from tst.benchmarks.files.records import FileRecords, Record, numbered
from tst.core.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_BATCH = 65_536


def read_parquet(path: Path) -> FileRecords:
    """Rows of a Parquet file; see ``read_parquet_texts``."""
    with path.open("rb") as file:
        return numbered(str(path), read_parquet_texts(file, str(path)))


def read_parquet_texts(
    file: BinaryIO, name: str, choose: Callable[[Sequence[str]], Sequence[str]] = list
) -> list[Record]:
    """Records of an open Parquet file, without the columns that hold bytes (images, sounds).

    Only the columns that ``choose`` picks among the others are read from ``file``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # pre_buffer: neighbouring column chunks in one read, which on the hub is one request
        parquet = pq.ParquetFile(file, pre_buffer=True)
        check_names(parquet.schema_arrow.names, name)
        columns = list(choose([f.name for f in parquet.schema_arrow if not holds_bytes(f.type)]))
        check_cells(parquet.metadata.num_rows * len(columns), name)
        records: list[Record] = []
        size = 0
        for batch in parquet.iter_batches(_batch_rows(parquet.metadata, columns), columns=columns):
            decoded = _decode(batch)
            size += decoded.nbytes
            check_bytes(size, name)
            records += decoded.to_pylist()
        return records
    # ValueError, OverflowError: texts that are not UTF-8, dates that Python does not have
    except (pa.ArrowException, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{name}: no readable Parquet file ({reason:.200}).") from error


def decoded_records(batch: pa.RecordBatch) -> list[Record]:
    """The rows of a batch; texts that are stored once and used often stand in each."""
    return _decode(batch).to_pylist()


def _decode(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    decoded = [
        c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in batch.columns
    ]
    return pa.RecordBatch.from_arrays(decoded, batch.schema.names)


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether a column of this type is, or has in it, bytes: pictures, sounds."""
    import pyarrow as pa

    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    if pa.types.is_fixed_size_binary(kind):
        return True
    return any(holds_bytes(kind.field(i).type) for i in range(kind.num_fields))


def _batch_rows(metadata: pq.FileMetaData, columns: Sequence[str]) -> int:
    """Rows to decode at once: few enough even if every row repeats all that its group stores.

    A text that is stored once and used by every row takes its full length in each when decoded.
    """
    largest = 1
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        chunks: list[Any] = [group.column(i) for i in range(group.num_columns)]
        wanted = [c for c in chunks if c.path_in_schema.partition(".")[0] in columns]
        largest = max(largest, sum(c.total_uncompressed_size for c in wanted))
    return max(1, min(MAX_BATCH, MAX_BYTES // largest))
