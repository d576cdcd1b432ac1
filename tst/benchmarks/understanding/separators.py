"""What stands between the options where a column holds them as one plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tst.benchmarks.options import read_options
from tst.benchmarks.understanding.gold_cells import gold_cell, readings
from tst.benchmarks.values import is_blank, look_up

SEPARATORS = ("\n", "|", ";", ",")
SAMPLE = 1000
MOST = 0.9
"""The least share of cells that a separator parts: some rows of a file are faulty."""
NAMES = {"\n": "line breaks", "|": "'|'", ";": "';'", ",": "commas"}


def guess_separator(
    records: Sequence[Mapping[str, Any]], options: str, answer: str | None
) -> str | None:
    """The sign that parts the options of every row; None where none does, or none is needed.

    Most cells of the column (texts that are no list) must have it between two texts or more, and
    their gold must then be one of the options; a comma, which stands in texts too, must part every
    cell, and every gold must be one of the texts. Rows that it does not part are left out later.
    """
    sample = records[:: max(1, len(records) // SAMPLE)]
    cells = [(look_up(r, options), None if answer is None else look_up(r, answer)) for r in sample]
    cells = [(cell, gold) for cell, gold in cells if not is_blank(cell)]
    if not cells or any(not isinstance(cell, str) or _is_read(cell) for cell, _ in cells):
        return None
    for sign in SEPARATORS:
        parted = sum(_parts(cell, gold, sign) for cell, gold in cells)
        if parted >= (1.0 if sign == "," else MOST) * len(cells):
            return sign
    return None


def _is_read(cell: str) -> bool:
    try:
        read_options(cell)
    except ValueError:
        return False
    return True


def _parts(cell: str, gold: Any, sign: str) -> bool:
    try:
        read = read_options(cell, sign)
        if read is None or len(read.texts) < 2:
            return False
        _, found = readings(gold_cell(gold), read.texts)
    except ValueError:
        return False
    return "text" in found or (sign != "," and bool(found))
