"""Records from local files: JSONL, JSON, CSV, TSV, Parquet, xlsx."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from tst.errors import UserError

Record = dict[str, Any]

MAX_CELL = 10_000_000


def read_file(path: Path) -> list[Record]:
    """All records of a file, by its extension.

    Raises UserError that names the file, and the line where there is one, for a file that cannot
    be read as what its name says.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"{path} {kind}; expected a file with questions.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path}: cannot read a {path.suffix or 'file without extension'}; "
            f"expected one of {', '.join(READERS)}."
        )
    try:
        records = reader(path)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path}: cannot be read ({reason}).") from error
    if not records:
        raise UserError(f"{path}: no rows in it.")
    return records


def _decode(path: Path) -> str:
    """A file's text: UTF-8, or UTF-16 where a byte order mark says so."""
    data = path.read_bytes()
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(
            f"{path}: line {line} is not {encoding.removesuffix('-sig').upper()}; convert the file "
            "first, e.g. iconv -f latin1 -t utf-8 FILE > NEW."
        ) from error


def _load_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: no valid JSON ({error}).") from error


def _read_jsonl(path: Path) -> list[Record]:
    return _parse_lines(_decode(path), path)


def _parse_lines(text: str, path: Path) -> list[Record]:
    records = []
    # not splitlines(): U+2028 and the like may stand inside a JSON text
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        record = _load_json(line, f"{path}, line {number}")
        if not isinstance(record, dict):
            raise UserError(
                f"{path}, line {number}: expected one JSON object a line, got {line!r:.60}."
            )
        records.append(record)
    return records


def _read_json(path: Path) -> list[Record]:
    text = _decode(path)
    lines = [line for line in text.split("\n", maxsplit=50) if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines[:2]):
        return _parse_lines(text, path)
    data = _load_json(text, str(path))
    if isinstance(data, dict):
        lists = [v for v in data.values() if isinstance(v, list) and v]
        data = lists[0] if len(lists) == 1 else data
    if not isinstance(data, list) or not all(isinstance(r, dict) for r in data):
        raise UserError(
            f"{path}: expected a JSON list of objects, or an object with one such list in it."
        )
    return data


def _read_csv(path: Path) -> list[Record]:
    return _read_delimited(path, None)


def _read_tsv(path: Path) -> list[Record]:
    return _read_delimited(path, "\t")


def _read_delimited(path: Path, delimiter: str | None) -> list[Record]:
    """Rows as texts; the delimiter of a .csv is whichever of , ; and tab its header has most of."""
    text = _decode(path)
    header = text.partition("\n")[0]
    csv.field_size_limit(MAX_CELL)
    reader = csv.DictReader(
        io.StringIO(text, newline=""), delimiter=delimiter or max(",;\t", key=header.count)
    )
    records = []
    try:
        _check_names(reader.fieldnames or [], path)
        for record in reader:
            if None in record:
                raise UserError(
                    f"{path}, line {reader.line_num}: more cells than the header has "
                    f"({len(reader.fieldnames or [])}); quote texts that hold the delimiter."
                )
            records.append(dict(record))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: no valid CSV ({error}).") from error
    return records


def _check_names(names: Sequence[str], path: Path) -> None:
    """Two columns of one name would silently be one."""
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise UserError(f"{path}: more than one column is named {', '.join(twice)}.")


def _read_xlsx(path: Path) -> list[Record]:
    """Rows of the first sheet; its first row names the columns."""
    from zipfile import BadZipFile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise UserError(f"{path}: no readable xlsx file ({error}).") from error
    rows = book.worksheets[0].iter_rows(values_only=True)
    header = [str(c) if c is not None else "" for c in next(rows, ())]
    _check_names(header, path)
    records = [
        {name: cell for name, cell in zip(header, row, strict=False) if name}
        for row in rows
        if any(cell is not None for cell in row)
    ]
    book.close()
    return records


def _read_parquet(path: Path) -> list[Record]:
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

    def holds_bytes(kind: pa.DataType) -> bool:
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return True
        if pa.types.is_fixed_size_binary(kind):
            return True
        return any(holds_bytes(kind.field(i).type) for i in range(kind.num_fields))

    try:
        # pre_buffer: neighbouring column chunks in one read, which on the hub is one request
        parquet = pq.ParquetFile(file, pre_buffer=True)
        columns = [f.name for f in parquet.schema_arrow if not holds_bytes(f.type)]
        table = parquet.read(columns=list(choose(columns)))
        records: list[Record] = table.to_pylist()
        return records
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{name}: no readable Parquet file ({reason}).") from error


READERS: dict[str, Callable[[Path], list[Record]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": _read_parquet,
    ".xlsx": _read_xlsx,
}
