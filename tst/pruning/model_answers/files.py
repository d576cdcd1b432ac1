"""Rows of prediction files: VLMEvalKit xlsx, lmms-eval samples, CSV or JSONL of key and answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tst.benchmarks.files import Record, read_file
from tst.benchmarks.values import is_blank, look_up, parse_list, plain_text
from tst.core.errors import UserError

ANSWER_COLUMNS = ("prediction", "response", "filtered_resps", "resps")
ANSWER_KEYS = ("final_answer", "answer", "prediction", "choice", "option", "response", "content")
"""Names that a JSON object's answer goes by, the most specific first."""
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


def select_rows(name: str, records: Sequence[Record], wanted: Any) -> list[Record]:
    """The rows that ``predictions.filter`` names: a value of the column ``filter`` (lm-eval's and
    lmms-eval's), or a value per column. Raises UserError where none is left.
    """
    if wanted is None:
        return list(records)
    columns = wanted if isinstance(wanted, Mapping) else {"filter": wanted}
    kept = [
        record
        for record in records
        if all(plain_text(cell_of(record, c)) == plain_text(v) for c, v in columns.items())
    ]
    if not kept:
        shown = "; ".join(
            f"{c}: {', '.join(sorted({plain_text(cell_of(r, c)) for r in records})[:8]) or 'none'}"
            for c in columns
        )
        raise UserError(
            f"{name}: no row is left by predictions.filter={wanted}; the file has {shown}."
        )
    return kept


def answer_text(cell: Any) -> str:
    """The text of an answer cell.

    Of lists (lmms-eval's, also as text after a CSV export) the one distinct entry, else all, a line
    each; of a JSON object the entry that is called an answer.
    """
    if isinstance(cell, str) and cell.strip()[:1] in ("[", "{"):
        cell = _decoded(cell)
    if isinstance(cell, Mapping):
        named = [cell[key] for key in ANSWER_KEYS if not is_blank(cell.get(key))]
        return answer_text(named[0]) if named else ""
    if isinstance(cell, list | tuple):
        texts = list(dict.fromkeys(text for item in cell if (text := answer_text(item))))
        return "\n".join(texts)
    return plain_text(cell)


def _decoded(text: str) -> Any:
    """The list or object that a text is; the text itself where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        items = parse_list(text)
        return text if items is None else items


def cell_of(record: Mapping[str, Any], column: str) -> Any:
    """A cell of a row, or of the source record that the row carries; None where neither has it."""
    cell = look_up(record, column)
    return look_up(record, f"{DOCUMENT}.{column}") if is_blank(cell) else cell


def key_text(cell: Any) -> str:
    """A key cell as text; 3.0 and "3.0" from a spreadsheet are 3."""
    text = plain_text(cell)
    head, dot, tail = text.partition(".")
    return head if dot and head.lstrip("-").isdigit() and not tail.strip("0") else text
