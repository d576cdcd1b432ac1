"""Records from Excel workbooks: what a sheet shows, where Excel stores another thing."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tst.benchmarks.column_names import PLAIN, plain_name
from tst.benchmarks.files.limits import check_bytes, check_cells, check_names, list_names
from tst.benchmarks.files.records import ROW, FileRecords, Record
from tst.core.errors import UserError

MAX_HEADER_ROW = 20


def read_xlsx(path: Path, sheet: str | None = None) -> FileRecords:
    """Rows of one sheet; the first row with two cells or more names the columns.

    sheet: its name, or its number from 1; None: the only one with a column for the question, else
        the first
    """
    try:
        return _read(path, sheet)
    except (UserError, OSError):
        raise
    except Exception as error:  # damaged parts raise whatever zlib, the XML parser or openpyxl do
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise UserError(f"{path}: no readable xlsx file ({reason:.200}).") from error


def _read(path: Path, wanted: str | None) -> FileRecords:
    from zipfile import ZipFile

    import openpyxl

    with ZipFile(path) as parts:
        check_bytes(sum(part.file_size for part in parts.infolist()), str(path))
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        sheet, notes = _choose_sheet(path, book.worksheets, wanted)
        sheet.reset_dimensions()  # a file may claim 16,384 columns and a million rows
        head, names = _find_header(sheet)
        check_names(names, str(path))
        if head > 1:
            notes.append(f"The columns are named in row {head}.")
        records: list[Record] = []
        numbers = array("q")
        for number, cells in _rows(sheet, head + 1, len(names)):
            records.append({n: cell for n, cell in zip(names, cells, strict=True) if n})
            check_cells(len(records) * len(names), str(path))
            numbers.append(number)
        return FileRecords(str(path), records, ROW, numbers, notes=notes)
    finally:
        book.close()


def _choose_sheet(path: Path, sheets: list[Any], wanted: str | None) -> tuple[Any, list[str]]:
    """The sheet to read, and a note where there are others."""
    if not sheets:
        raise UserError(f"{path}: no sheet in it.")
    titles = [str(sheet.title) for sheet in sheets]
    if wanted is None:
        if len(sheets) == 1:
            return sheets[0], []
        asking = [i for i, sheet in enumerate(sheets) if _asks(sheet)]
        chosen = asking[0] if len(asking) == 1 else 0
        others = f"It has the sheets {list_names(titles)}: {titles[chosen]!r} is read"
        return sheets[chosen], [f"{others}; benchmark.sheet= names another."]
    if wanted in titles:
        return sheets[titles.index(wanted)], []
    if wanted.isdigit() and 1 <= int(wanted) <= len(sheets):
        return sheets[int(wanted) - 1], []
    raise UserError(f"{path}: benchmark.sheet={wanted}: its sheets are {list_names(titles)}.")


def _asks(sheet: Any) -> bool:
    """Whether a sheet has a column that is named like the question's."""
    sheet.reset_dimensions()
    return any(plain_name(name) in PLAIN["question"] for name in _find_header(sheet)[1])


def _find_header(sheet: Any) -> tuple[int, list[str]]:
    """The row that names the columns, from 1, and the names; a title may stand above it."""
    only = (1, [""])
    for number, cells in enumerate(sheet.iter_rows(max_row=MAX_HEADER_ROW, values_only=True), 1):
        names = [str(c).strip() if c is not None else "" for c in cells]
        while names and not names[-1]:
            names.pop()
        filled = sum(map(bool, names))
        if filled > 1:
            return number, names
        if filled and only == (1, [""]):
            only = (number, names)
    return only


def _rows(sheet: Any, first: int, width: int) -> Iterator[tuple[int, list[Any]]]:
    """(row number, cells) of the rows that are not empty, as wide as the header."""
    rows = sheet.iter_rows(min_row=first, max_col=width)
    for number, cells in enumerate(rows, start=first):
        shown = [_shown(cell) for cell in cells]
        if any(value is not None for value in shown):
            yield number, shown + [None] * (width - len(shown))


def _shown(cell: Any) -> Any:
    """A cell's value; a number that is shown as a percentage is one."""
    value = cell.value
    if isinstance(value, int | float) and "%" in str(cell.number_format):
        return f"{round(100 * value, 10):g}%"
    return value
