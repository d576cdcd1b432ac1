"""CSV and TSV files, as spreadsheets and pandas write them."""

from __future__ import annotations

import csv
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from tst.benchmarks.files.encodings import UndecodableError, guess_encoding, open_text
from tst.benchmarks.files.limits import check_cells, check_names
from tst.benchmarks.files.records import LINE, FileRecords, Record
from tst.core.errors import UserError

MAX_CELL = 20_000_000
DELIMITERS = ",;\t|"


def read_csv(path: Path) -> FileRecords:
    """Rows as texts; the delimiter is whichever of ``, ; tab |`` the header has most of."""
    return _read(path, None)


def read_tsv(path: Path) -> FileRecords:
    """Rows as texts; quotes that do not pair up are text where each line has as many tabs."""
    return _read(path, "\t")


def _read(path: Path, delimiter: str | None) -> FileRecords:
    try:
        return _read_encoded(path, delimiter, None)
    except UndecodableError:
        encoding = guess_encoding(path)
        if encoding is None:
            raise
    found = _read_encoded(path, delimiter, encoding)
    found.notes.insert(0, f"It is not UTF-8: read as {encoding}.")
    return found


def _read_encoded(path: Path, delimiter: str | None, encoding: str | None) -> FileRecords:
    csv.field_size_limit(MAX_CELL)
    with open_text(path, "", encoding) as file:
        delimiter, skipped = _find_delimiter(file, delimiter)

        def rewind() -> None:
            file.seek(0)
            for _ in range(skipped):
                file.readline()

        rewind()
        try:
            return _parse(path, file, delimiter, skipped, quoted=True)
        except UserError:
            rewind()
            if delimiter != "\t" or not _has_even_lines(file):
                raise
        rewind()
        found = _parse(path, file, delimiter, skipped, quoted=False)
        found.notes.append("Quotes do not pair up: they are read as part of the text.")
        return found


def _find_delimiter(file: TextIO, delimiter: str | None) -> tuple[str, int]:
    """What divides the cells of an open file, and how many lines stand before its header."""
    skipped = 0
    header = file.readline()
    if header.lower().startswith("sep=") and len(header.strip()) <= 5:
        delimiter, skipped = header[4:].strip("\r\n") or delimiter, 1  # a note to Excel
        header = file.readline()
    while header and not header.strip():
        header = file.readline()
    return delimiter or max(DELIMITERS, key=header.count), skipped


def find_delimiter(path: Path) -> str:
    """What divides the cells of a CSV or TSV file that can be read."""
    given = "\t" if path.name.lower().removesuffix(".gz").endswith(".tsv") else None
    try:
        with open_text(path, "") as file:
            return _find_delimiter(file, given)[0]
    except UndecodableError:
        with open_text(path, "", guess_encoding(path)) as file:
            return _find_delimiter(file, given)[0]


def _has_even_lines(file: TextIO) -> bool:
    """Whether every line that is not blank has as many tabs as the first."""
    counts = {line.count("\t") for line in file if line.strip()}
    return len(counts) == 1 and counts != {0}


def _parse(path: Path, file: TextIO, delimiter: str, skipped: int, quoted: bool) -> FileRecords:
    # strict: a quote that is never closed would swallow the rows after it
    reader = (
        csv.reader(file, delimiter=delimiter, strict=True)
        if quoted
        else csv.reader(file, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    )
    records: list[Record] = []
    lines, rows = array("q"), array("q")
    names: list[str] | None = None
    first = row = 1 + skipped  # line, and row of a spreadsheet, where the next record begins
    try:
        for cells in reader:
            if names is None:
                if any(cells):
                    names = [_clean_name(cell) for cell in cells]
                    check_names(names, str(path))
            elif any(cell.strip() for cell in cells):
                records.append(_record(names, cells, path, first))
                check_cells(len(records) * len(names), str(path))
                lines.append(first)
                rows.append(row)
            first, row = reader.line_num + 1 + skipped, row + 1
    except csv.Error as error:
        raise UserError(
            f"{path}, line {first}: no valid CSV ({error}). A text that holds quotes, line "
            'breaks or the delimiter stands in quotes, its own quotes doubled: "5"" pipe".'
        ) from error
    return FileRecords(str(path), records, LINE, lines, rows=None if rows == lines else rows)


def _clean_name(cell: str) -> str:
    """A column's name without what cannot be seen: byte order marks, outer white space."""
    return cell.replace("\ufeff", "").replace("\u200b", "").strip()


def _record(names: list[str], cells: list[str], path: Path, line: int) -> Record:
    if len(cells) > len(names):
        if any(cell.strip() for cell in cells[len(names) :]):
            raise UserError(
                f"{path}, line {line}: more cells than the header has ({len(names)}); quote texts "
                "that hold the delimiter."
            )
        cells = cells[: len(names)]
    filled: list[str | None] = [*cells, *[None] * (len(names) - len(cells))]
    return {name: cell for name, cell in zip(names, filled, strict=True) if name}


READ_DELIMITED: dict[str, Callable[[Path], FileRecords]] = {".csv": read_csv, ".tsv": read_tsv}
