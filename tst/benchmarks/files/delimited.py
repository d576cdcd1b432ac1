"""CSV and TSV files, as spreadsheets and pandas write them."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TextIO

from tst.benchmarks.column_names import PLAIN, plain_name
from tst.benchmarks.files.encodings import UndecodableError, guess_encoding, open_text
from tst.benchmarks.files.limits import check_cells, check_names
from tst.benchmarks.files.records import LINE, FileRecords, Record
from tst.core.errors import UserError

MAX_CELL = 20_000_000
DELIMITERS = ",;\t|"
MAX_HEADER_LINE = 20
"""Titles and comments may stand on so many lines above the columns' names."""


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
        delimiter, skipped, titles = _find_delimiter(file, delimiter)
        line = skipped + 1 if titles else None

        def rewind() -> None:
            file.seek(0)
            for _ in range(skipped):
                file.readline()

        rewind()
        try:
            return _noted(_parse(path, file, delimiter, skipped, quoted=True), line)
        except UserError:
            rewind()
            if delimiter != "\t" or not _has_even_lines(file):
                raise
        rewind()
        found = _noted(_parse(path, file, delimiter, skipped, quoted=False), line)
        found.notes.append("Quotes do not pair up: they are read as part of the text.")
        return found


def _find_delimiter(file: TextIO, delimiter: str | None) -> tuple[str, int, bool]:
    """What divides the cells of an open file, how many lines to skip, and if some are titles."""
    skipped = 0
    header = file.readline()
    if header.lower().startswith("sep=") and len(header.strip()) <= 5:
        delimiter, skipped = header[4:].strip("\r\n") or delimiter, 1  # a note to Excel
        header = file.readline()
    lines = [header, *islice(file, MAX_HEADER_LINE)]
    above = _find_header(lines)
    titles = any(line.strip() for line in lines[:above])
    delimiter = delimiter or max(DELIMITERS, key=lines[above].count)
    return delimiter, skipped + (above if titles else 0), titles


def _find_header(lines: Sequence[str]) -> int:
    """Which line names the columns: titles with fewer cells, and comments, may stand above it."""
    cells = [re.split(rf"[{DELIMITERS}]", line.strip()) for line in lines]
    asks = [any(plain_name(cell) in PLAIN["question"] for cell in row) for row in cells]
    several = [
        i for i, row in enumerate(cells)
        if len(row) > 1 and (asks[i] or not lines[i].lstrip('\ufeff" ').startswith("#"))
    ]  # fmt: skip
    if not several:
        return next((i for i, line in enumerate(lines) if line.strip()), 0)
    first = several[0]
    wider = (i for i in several if asks[i] and len(cells[i]) > len(cells[first]))
    return first if asks[first] else next(wider, first)


def _noted(found: FileRecords, line: int | None) -> FileRecords:
    if line is not None:
        found.notes.append(f"The columns are named in line {line}.")
    return found


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
