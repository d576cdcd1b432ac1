"""Rows of prediction files: VLMEvalKit xlsx, lmms-eval samples, CSV or JSONL of key and answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tst.benchmarks.files import Record, read_file
from tst.benchmarks.values import is_blank, look_up, plain_text
from tst.core.errors import UserError

ANSWER_COLUMNS = ("prediction", "response", "filtered_resps", "resps")
DOCUMENT = "doc"
"""Where lmms-eval keeps the source record of a sample."""


def read_predictions(name: str, files: Any) -> list[Record]:
    """All rows of the files of one model. Raises UserError for what is no list of files."""
    paths = [files] if isinstance(files, str) else files
    if not isinstance(paths, Sequence) or not paths or not all(isinstance(p, str) for p in paths):
        raise UserError(f"{name}={files}: expected a file, or a list of files.")
    return [record for path in paths for record in read_file(Path(path).expanduser())]


def answer_column(name: str, records: Sequence[Record], column: str | None) -> str:
    """The column with the model's answer. Raises UserError that lists the columns there are."""
    columns = list(dict.fromkeys(key for record in records for key in record))
    for candidate in ANSWER_COLUMNS if column is None else (column,):
        if candidate in columns:
            return candidate
    wanted = column or " nor ".join(ANSWER_COLUMNS)
    raise UserError(
        f"{name}: no column {wanted}; set predictions.column to one of: {', '.join(columns)}."
    )


def answer_text(cell: Any) -> str:
    """The text of an answer cell; of lists (lmms-eval), the first of the innermost."""
    while isinstance(cell, list | tuple):
        cell = cell[0] if cell else None
    return plain_text(cell)


def cell_of(record: Mapping[str, Any], column: str) -> Any:
    """A cell of a row, or of the source record that the row carries; None where neither has it."""
    cell = look_up(record, column)
    return look_up(record, f"{DOCUMENT}.{column}") if is_blank(cell) else cell


def key_text(cell: Any) -> str:
    """A key cell as text; 3.0 and "3.0" from a spreadsheet are 3."""
    text = plain_text(cell)
    head, dot, tail = text.partition(".")
    return head if dot and head.lstrip("-").isdigit() and not tail.strip("0") else text
