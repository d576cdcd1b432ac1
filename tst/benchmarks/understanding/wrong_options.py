"""Options of files that hold the right answer in one column and the wrong options in others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from tst.benchmarks.column_names import plain_name
from tst.benchmarks.options import Options, read_options
from tst.benchmarks.understanding.gold_cells import ContradictionError, fold_text, gold_cell
from tst.benchmarks.values import is_blank, look_up, plain_text

_NAME = re.compile(r"(?:distractor|(?:incorrect|wrong|false)(?:answer|option|choice))s?\d*")


def is_wrong_option(name: str) -> bool:
    """Whether a column is named as one that holds wrong options: ``distractor1``."""
    return _NAME.fullmatch(plain_name(name)) is not None


def join_options(
    record: Mapping[str, Any], question: str, answer: Any, columns: Sequence[str]
) -> Options | None:
    """The answer among the wrong options, in an order that follows from their texts alone.

    None where the columns are blank. Raises ValueError where the answer is one of the wrong
    options, or none.
    """
    wrong: list[str] = []
    for column in columns:
        cell = look_up(record, column)
        if not is_blank(cell):
            wrong += _texts(cell)
    if not wrong:
        return None
    try:
        right = plain_text(gold_cell(answer))
    except ContradictionError as error:
        raise ValueError(str(error)) from error
    if not right:
        raise ValueError("no gold answer")
    if fold_text(right) in map(fold_text, wrong):
        raise ValueError("the gold answer is one of the wrong options")

    def drawn(text: str) -> bytes:
        return blake2b(f"{question}\n{text}".encode("utf-8", "surrogatepass")).digest()

    texts = sorted([right, *wrong], key=drawn)
    return Options(texts, None, texts.index(right))


def _texts(cell: Any) -> list[str]:
    """The wrong options of one cell: a list, the text of one, texts with ``;`` between, or one."""
    if not isinstance(cell, str):
        read = read_options(cell) if isinstance(cell, list | tuple | Mapping) else None
        return [plain_text(cell)] if read is None else read.texts
    try:
        read = read_options(cell)
    except ValueError:
        read = None
    return (
        [text for text in map(str.strip, cell.split(";")) if text] if read is None else read.texts
    )
