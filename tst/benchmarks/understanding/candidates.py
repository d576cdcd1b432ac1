"""The columns that may hold a field, by their names, and what their content says of that."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from tst.benchmarks.column_names import (
    PLAIN,
    PLAIN_GROUPS,
    PLAIN_MEDIA,
    PLAIN_STATEMENTS,
    SYNONYMS,
    find_option_columns,
    plain_name,
)
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.column_cells import ColumnCells, Guess, Record, group_key
from tst.benchmarks.understanding.formats import read_format_name
from tst.benchmarks.understanding.group_parts import advise_part, kind_of_media
from tst.benchmarks.understanding.tie_breaking import TieBreaker
from tst.benchmarks.values import plain_text
from tst.core.questions import MAX_TYPES

NESTED = ("question", "options", "answer")
"""Fields that are also looked for inside of columns that hold objects."""


VAGUE = ("type", "kind")
"""Names of types that may as well be a picture's inside of a column of another name."""


class Candidates:
    """Guesses of one source's columns.

    names: of the columns, in order
    """

    def __init__(
        self, settings: BenchmarkSettings, records: Sequence[Record], names: Sequence[str]
    ) -> None:
        self._names = list(names)
        self._cells = ColumnCells(records, settings.options_separator)
        self._tie_breaker = TieBreaker(self._cells)

    @property
    def notes(self) -> list[str]:
        """Which of several columns was taken, and why."""
        return self._tie_breaker.notes

    def guess(self, field: str, fields: Mapping[str, Guess], by_reader: set[str]) -> Guess | None:
        """The column of a field, None where there is none.

        fields: what is known so far: question before options before answer before the others
        Raises UserError that names two columns which may be meant.
        """
        taken = {column for f in fields.values() for column in ([f] if isinstance(f, str) else f)}
        names = [name for name in self._names if name not in taken]
        kinds = (field, "question_type") if field == "format" else (field,)
        found = [n for n in names if any(plain_name(n) in PLAIN[kind] for kind in kinds)]
        found = [name for name in found if self._confirms(field, name)]
        if not found and field == "question":
            found = [n for n in names if plain_name(n) in PLAIN_STATEMENTS]
            found = [name for name in found if self._confirms(field, name)]
        if not found and field in NESTED:
            found = [name for name in self._cells.nested() if self._matches_nested(field, name)]
            found = [name for name in found if self._confirms(field, name)]
        if not found and field == "question_type":
            nested = [name for name in self._cells.nested() if _is_nested_type(name)]
            nested = [name for name in nested if self._confirms(field, name)]
            found = nested if len(nested) == 1 else []
            if len(nested) > 1:
                self.notes.append(
                    f"All are one type: {' and '.join(nested)} may say the type, and "
                    "benchmark.columns.question_type= which of them does."
                )
        families = find_option_columns(names) if field == "options" else []
        if any(name.isdigit() for name in taken):  # without a header, numbers name all columns
            families = [f for f in families if not f[0].isdigit()]
        families = [f for f in families if self._cells.holds_one_option_each(f)]
        if field == "answer":
            in_family = {c for f in find_option_columns(names) for c in f}
            found = [name for name in found if name not in in_family or plain_name(name) == field]
        ranked = sorted(found, key=lambda n: PLAIN[field].get(plain_name(n), len(SYNONYMS[field])))
        choices: list[Guess] = [*ranked, *families]
        if not choices and field == "question_type":
            kind = fields.get("format")  # what it says is better than one type
            return kind if isinstance(kind, str) and plain_name(kind) in PLAIN[field] else None
        if len(choices) < 2:
            return choices[0] if choices else None
        return self._tie_breaker.choose(field, choices, fields)

    def similar(self, field: str) -> str | None:
        """A column whose name is like one of the field's, for a message."""
        wanted = list(PLAIN[field])
        known = {plain for others in PLAIN.values() for plain in others}
        for name in self._names:
            plain = plain_name(name)
            if plain in known:
                continue
            if any(len(w) > 3 and (w in plain) for w in wanted) or difflib.get_close_matches(
                plain, wanted, n=1, cutoff=0.75
            ):
                return name
        return None

    def empty(self, field: str) -> str | None:
        """A column that is named like the field and has nothing in it."""
        named = (name for name in self._names if plain_name(name) in PLAIN[field])
        return next((name for name in named if not self._cells.filled(name)), None)

    def has_own_gold(self, field: str, fields: Mapping[str, Guess]) -> bool:
        """Whether the answer needs no column, since the options mark the right one."""
        options = fields.get("options")
        if field != "answer" or options is None:
            return False
        return any(o is not None and o.right is not None for o in self._cells.options(options))

    def find_groups(self) -> list[tuple[str, str]]:
        """(name, column) of columns named like groups whose values recur, the coarsest first."""
        found: list[tuple[int, str, str]] = []
        partitions: set[int] = set()
        for name in self._names:
            group = PLAIN_GROUPS.get(plain_name(name))
            if plain_name(name) in PLAIN_MEDIA:
                group = kind_of_media(self._cells.filled(name)) or None
            if group is None or any(g == group for _, g, _ in found):
                continue
            first: dict[str, int] = {}
            members = [
                first.setdefault(text, len(first))
                for text in (group_key(record.get(name)) for record in self._cells.records)
            ]
            blank = "" in first
            count, partition = len(first) - blank, hash(tuple(members))
            if 2 <= count <= 0.9 * len(members) and partition not in partitions:
                found.append((count, group, name))
                partitions.add(partition)
        return [(group, name) for _, group, name in sorted(found, key=lambda f: f[0])]

    def advise_group(self, columns: Sequence[str]) -> list[str]:
        """What to name as a group where a part of the paths in one of these columns recurs."""
        for name in columns:
            if kind := kind_of_media(self._cells.filled(name)):
                cells = [record.get(name) for record in self._cells.records]
                if advice := advise_part(name, cells, kind):
                    return [advice]
        return []

    def find_sources(self) -> list[str]:
        """Columns named like groups that tell rows apart, even where no value recurs."""
        named = [name for name in self._names if plain_name(name) in PLAIN_GROUPS]
        return [
            name for name in named
            if len({group_key(record.get(name)) for record in self._cells.records}) > 1
        ]  # fmt: skip

    def _confirms(self, field: str, column: str) -> bool:
        """Whether the cells can be what the name says; the field's own name needs less."""
        cells = self._cells.filled(column)
        own_name = plain_name(column) == plain_name(field)
        texts = [cell for cell in cells if not isinstance(cell, list | tuple | Mapping)]
        if field == "question":
            return 2 * sum(isinstance(cell, str) for cell in cells) > len(cells)
        if field == "options":
            read = any(len(o.texts) > 1 for cell in cells if (o := self._cells.read(cell)))
            return read or (bool(cells) and plain_name(column).endswith("s"))
        if field == "format":
            return bool(cells) and all(read_format_name(cell) for cell in cells)
        if field == "question_type" and not own_name:
            kinds = {plain_text(cell) for cell in texts}
            few = len(kinds) <= min(MAX_TYPES, len(cells) // 2)
            return len(texts) == len(cells) > 0 and few
        if field == "id":
            return bool(cells) and len(texts) == len(cells)
        return bool(cells)

    @staticmethod
    def _matches_nested(field: str, path: str) -> bool:
        return plain_name(path.rpartition(".")[2]) in PLAIN[field]


def _is_nested_type(path: str) -> bool:
    """Whether a dotted path names a type: ``task.name``, ``meta.category``."""
    *_, parent, name = map(plain_name, path.split("."))
    if parent in PLAIN["question_type"]:
        return name in ("name", "label", "title", *VAGUE)
    return name in PLAIN["question_type"] and name not in VAGUE
