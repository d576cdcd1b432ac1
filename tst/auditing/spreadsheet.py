"""CSV files that people open in a spreadsheet: texts stay texts, in any script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from tst.benchmarks.values import parse_number
from tst.records.files import write_text

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def write_spreadsheet(path: Path, frame: pd.DataFrame, exact: str) -> None:
    """Write a table as CSV for a spreadsheet.

    A text that would run as a formula gets an apostrophe in front, as a spreadsheet writes it;
    numbers do not. Excel takes a file for UTF-8 only with a byte order mark, so one with other
    letters than ASCII gets it.
    exact: the column by which rows are found again, left as it is
    """
    safe = frame.copy()
    for name in frame.columns.drop(exact):
        safe[name] = [_as_text(cell) for cell in frame[name]]
    text = safe.to_csv(index=False)
    write_text(path, text if text.isascii() else f"\ufeff{text}")


def _as_text(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(FORMULA_SIGNS):
        return cell
    return cell if parse_number(cell) is not None else f"'{cell}"
