"""Options that are numbered, by their columns or keys, and golds that count otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from tst.benchmarks.understanding.gold_cells import (
    ContradictionError,
    gold_cell,
    is_numbered,
    read_index,
)
from tst.benchmarks.understanding.row import Row


def drop_miscounted_labels(rows: Sequence[Row]) -> None:
    """Take the numbers off options where the golds cannot be them: they count from 0, or from 1.

    ``choice1`` to ``choice4`` beside golds from 0 to 3 is common. A gold of 0 that no option is
    called, while no gold is its row's last number, shows that the golds are places from 0; of
    options called 0 to 3, a gold of 4 while none is 0 shows that they are places from 1.
    """
    for first in (0, 1):
        numbered = [row for row in rows if is_numbered(row.labels or (), first)]
        golds = [(row, gold) for row in numbered if (gold := _read_place(row)) is not None]
        low = any(gold == 0 for _, gold in golds)
        high = any(gold == len(row.labels or ()) for row, gold in golds)
        # from 1: 0 is no label, and the count of options is the last; from 0: the other way round
        if (low and not high) if first == 1 else (high and not low):
            for row in numbered:
                row.labels = None


def _read_place(row: Row) -> int | None:
    try:
        return read_index(gold_cell(row.answer), ())
    except ContradictionError:
        return None
