"""Records from Parquet and xlsx files, whose libraries are only loaded for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tst.benchmarks.limits import MAX_BYTES, Record, check_bytes, check_cells, check_names
from tst.core.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

MAX_BATCH = 65_536


def read_xlsx(path: Path) -> list[Record]:
    """Rows of the first sheet; its first row names the columns."""
    try:
        return _first_sheet(path)
    except (UserError, OSError):
        raise
    except Exception as error:  # damaged parts raise whatever zlib, the XML parser or openpyxl do
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise UserError(f"{path}: no readable xlsx file ({reason:.200}).") from error


def _first_sheet(path: Path) -> list[Record]:
    from zipfile import ZipFile

    import openpyxl

    with ZipFile(path) as parts:
        check_bytes(sum(part.file_size for part in parts.infolist()), str(path))
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        if not book.worksheets:
            raise UserError(f"{path}: no sheet in it.")
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # a file may claim 16,384 columns and a million rows
        cells = next(sheet.iter_rows(max_row=1, values_only=True), ())
        header = [str(c) if c is not None else "" for c in cells]
        while header and not header[-1]:
            header.pop()
        check_names(header, str(path))
        if not header:
            return []
        records: list[Record] = []
        for row in sheet.iter_rows(min_row=2, max_col=len(header), values_only=True):
            if any(cell is not None for cell in row):
                filled = (*row, *[None] * (len(header) - len(row)))
                records.append({n: cell for n, cell in zip(header, filled, strict=True) if n})
                check_cells(len(records) * len(header), str(path))
        return records
    finally:
        book.close()


def read_parquet(path: Path) -> list[Record]:
    """Rows of a Parquet file; see ``read_parquet_texts``."""
    with path.open("rb") as file:
        return read_parquet_texts(file, str(path))


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
        columns = list(choose([f.name for f in parquet.schema_arrow if not _holds_bytes(f.type)]))
        check_cells(parquet.metadata.num_rows * len(columns), name)
        records: list[Record] = []
        size = 0
        for batch in parquet.iter_batches(_batch_rows(parquet.metadata, columns), columns=columns):
            decoded = [
                c.dictionary_decode() if pa.types.is_dictionary(c.type) else c
                for c in batch.columns
            ]
            size += sum(column.nbytes for column in decoded)
            check_bytes(size, name)
            records += pa.RecordBatch.from_arrays(decoded, batch.schema.names).to_pylist()
        return records
    # ValueError, OverflowError: texts that are not UTF-8, dates that Python does not have
    except (pa.ArrowException, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{name}: no readable Parquet file ({reason:.200}).") from error


def _holds_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    if pa.types.is_fixed_size_binary(kind):
        return True
    return any(_holds_bytes(kind.field(i).type) for i in range(kind.num_fields))


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
