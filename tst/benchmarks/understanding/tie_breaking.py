"""Which of several columns is meant, where more than one may hold a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tst.benchmarks.column_names import plain_name
from tst.benchmarks.options import Options
from tst.benchmarks.understanding.column_cells import ColumnCells, Guess
from tst.benchmarks.understanding.gold_cells import ContradictionError, gold_cell, readings
from tst.benchmarks.values import look_up, plain_text
from tst.core.errors import UserError


class TieBreaker:
    """Chooses among columns that may all hold a field, by what is in them.

    notes: which column was taken, and why
    """

    def __init__(self, cells: ColumnCells) -> None:
        self._cells = cells
        self.notes: list[str] = []

    def choose(self, field: str, choices: list[Guess], fields: Mapping[str, Guess]) -> Guess:
        """The column that all others agree with, or the only one that can be meant.

        fields: the columns that are known so far
        Raises UserError that names the columns where none of them stands out.
        """
        first = choices[0]
        meant: Guess | None
        if field == "question":
            meant = self._questions([c for c in choices if isinstance(c, str)])
        elif field == "id":
            meant = self._ids([c for c in choices if isinstance(c, str)])
        elif field == "options":
            meant = self._options(choices)
        elif field == "answer":
            meant = self._answers([c for c in choices if isinstance(c, str)], fields)
        else:
            exact = [
                c for c in choices if isinstance(c, str) and plain_name(c) == plain_name(field)
            ]
            meant = exact[0] if exact else self._varied([c for c in choices if isinstance(c, str)])
        if meant is None:
            listed = " or ".join(c if isinstance(c, str) else ", ".join(c) for c in choices)
            example = first if isinstance(first, str) else f"[{','.join(first)}]"
            raise UserError(
                f"benchmark.columns.{field} is not set, and may be {listed}: say which, e.g. "
                f"'benchmark.columns.{field}={example}'",
                settings=[f"benchmark.columns.{field}={example}"],
            )
        return meant

    def _varied(self, columns: Sequence[str]) -> str | None:
        """The only column that does not say the same in every row."""
        varied = [column for column in columns if len(set(self._cells.texts(column))) > 1]
        if len(varied) != 1:
            return None
        same = ", ".join(column for column in columns if column != varied[0])
        self.notes.append(f"The type is {varied[0]}; {same} says the same in every row.")
        return varied[0]

    def _questions(self, columns: Sequence[str]) -> str | None:
        """The column whose text is part of all the others (a prompt repeats the question)."""
        texts = {column: self._cells.texts(column) for column in columns}
        for column in columns:
            if all(
                short in long
                for other in columns
                for short, long in zip(texts[column], texts[other], strict=True)
            ):
                others = ", ".join(c for c in columns if c != column)
                self.notes.append(f"The question is {column}; {others} repeats it.")
                return column
        return None

    def _ids(self, columns: Sequence[str]) -> str | None:
        """The only column without repeats, row counters aside; ``id`` itself goes first."""
        cells = {c: [plain_text(r.get(c)) for r in self._cells.records] for c in columns}
        unique = [c for c in columns if len(set(cells[c])) == len(cells[c])]
        if not unique:
            return columns[0]  # refused or mended later, with its repeats counted
        telling = [c for c in unique if not _counts_rows(cells[c])] or unique[:1]
        exact = [c for c in unique if plain_name(c) == "id"]
        chosen = exact[0] if exact else telling[0] if len(telling) == 1 else None
        if chosen is not None and len(columns) > 1:
            others = ", ".join(c for c in columns if c != chosen)
            self.notes.append(f"The id is {chosen}; {others} is not used.")
        return chosen

    def _options(self, choices: Sequence[Guess]) -> Guess | None:
        """The first of several columns that hold the same options."""

        def texts(columns: Guess) -> list[Any]:
            return [None if o is None else o.texts for o in self._cells.options(columns)]

        first = texts(choices[0])
        return choices[0] if all(texts(c) == first for c in choices[1:]) else None

    def _answers(self, columns: Sequence[str], fields: Mapping[str, Guess]) -> str | None:
        """The first of several columns that give every row the same gold."""
        options = fields.get("options")
        none: list[Options | None] = [None] * len(self._cells.sample)
        read = none if options is None else self._cells.options(options)
        columns = self._can_be_gold(columns, read)
        golds = [self._golds(column, read) for column in columns]
        for other in golds[1:]:
            if not all(one & two for one, two in zip(golds[0], other, strict=True)):
                return None
        if len(columns) == 1:
            return columns[0]
        others = ", ".join(columns[1:])
        self.notes.append(f"The answer is {columns[0]}; {others} says the same in every row.")
        return columns[0]

    def _can_be_gold(self, columns: Sequence[str], read: Sequence[Options | None]) -> Sequence[str]:
        """The columns whose cells name an option wherever there are options; all where none do."""
        able = [
            column
            for column, golds in ((c, self._golds(c, read)) for c in columns)
            if all(
                o is None or any(isinstance(gold, int) for gold in found)
                for o, found in zip(read, golds, strict=True)
            )
        ]
        return able if able and any(o is not None for o in read) else columns

    def _golds(self, column: str, read: Sequence[Options | None]) -> list[set[Any]]:
        """What each sampled row's gold may be by this column: option indices, or its text."""
        golds: list[set[Any]] = []
        for record, options in zip(self._cells.sample, read, strict=True):
            cell = look_up(record, column)
            gold: set[Any] = {plain_text(cell).casefold()}
            if options is not None:
                try:
                    _, found = readings(gold_cell(cell), options.texts, options.labels)
                    gold = set(found.values()) or gold
                except ContradictionError:
                    pass
            golds.append(gold)
        return golds


def _counts_rows(texts: Sequence[str]) -> bool:
    """Whether a column is 0, 1, 2, ... or 1, 2, 3, ..."""
    if not texts or texts[0] not in ("0", "1"):
        return False
    start = int(texts[0])
    return all(text == str(start + i) for i, text in enumerate(texts))
