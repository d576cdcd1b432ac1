"""The pruned benchmark as the user's own file was: CSV, TSV, xlsx, JSON, JSONL, Parquet, packed."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tst.benchmarks.files import Record
from tst.benchmarks.files.delimited import find_delimiter
from tst.benchmarks.files.reading import suffix_of
from tst.records.files import replacing

LINES = (".jsonl", ".ndjson")
DELIMITED = (".csv", ".tsv")


def write_like(folder: Path, stem: str, records: Sequence[Record], source: Path) -> Path:
    """Write the file ``stem`` in the format of the source file, unless it stands there; its path.

    source: the first file that the records come from; what is no file (a dataset of the hub,
        generated questions) is written as JSONL
    """
    suffix = suffix_of(source)
    packed = ".gz" if source.name.lower().endswith(".gz") else ""
    own = suffix in (".jsonl", ".parquet", ".arrow", ".feather") and not packed
    if not source.is_file() or own:
        return folder / f"{stem}{suffix if suffix == '.parquet' else '.jsonl'}"
    path = folder / f"{stem}{suffix}{packed}"
    if suffix == ".xlsx":
        _write_xlsx(path, records)
        return path
    if suffix in DELIMITED:
        text = _delimited(records, find_delimiter(source))
    elif suffix in LINES:
        text = "".join(json.dumps(r, ensure_ascii=False, default=str) + "\n" for r in records)
    else:
        text = json.dumps(list(records), ensure_ascii=False, default=str, indent=1) + "\n"
    content = text.encode("utf-8", "surrogatepass")
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return path


def _columns(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(key for record in records for key in record))


def _delimited(records: Sequence[Record], delimiter: str) -> str:
    """Rows with a header; cells that were not there stay empty."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _columns(records), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def _write_xlsx(path: Path, records: Sequence[Record]) -> None:
    """One sheet with the column names in its first row."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    def as_cell(value: Any) -> Any:
        """A text that begins like a formula stays a text."""
        if not isinstance(value, str) or not value.startswith("="):
            return value
        cell = WriteOnlyCell(sheet, value=value)
        cell.data_type = "s"
        return cell

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("pruned")
    columns = _columns(records)
    sheet.append(columns)
    for record in records:
        sheet.append([as_cell(record.get(column)) for column in columns])
    with replacing(path) as temporary, temporary.open("wb") as file:
        book.save(file)
