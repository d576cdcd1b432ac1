"""The columns that may hold a field, by their names, and what their content says of that."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tst.benchmarks.column_names import (
    PLAIN,
    PLAIN_GROUPS,
    SYNONYMS,
    find_option_columns,
    plain_name,
)
from tst.benchmarks.options import Options, read_options
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.understanding.formats import read_format_name
from tst.benchmarks.understanding.gold_cells import ContradictionError, gold_cell, readings
from tst.benchmarks.values import is_blank, look_up, plain_text
from tst.core.errors import UserError
from tst.core.questions import MAX_TYPES

Record = Mapping[str, Any]
Guess = str | list[str]

SAMPLE = 1000
MAX_KEY = 200
NESTED = ("question", "options", "answer")
"""Fields that are also looked for inside of columns that hold objects."""


class Candidates:
    """Guesses of one source's columns.

    names: of the columns, in order
    notes: which of several columns was taken, and why
    """

    def __init__(
        self, settings: BenchmarkSettings, records: Sequence[Record], names: Sequence[str]
    ) -> None:
        self._settings, self._records, self._names = settings, records, list(names)
        self._sample = records if len(records) <= SAMPLE else records[:: len(records) // SAMPLE]
        self.notes: list[str] = []

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
        if not found and field in NESTED:
            found = [name for name in self._nested() if self._matches_nested(field, name)]
            found = [name for name in found if self._confirms(field, name)]
        families = find_option_columns(names) if field == "options" else []
        families = [f for f in families if self._is_family(f, fields)]
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
        return self._settle(field, choices, fields)

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

    def has_own_gold(self, field: str, fields: Mapping[str, Guess]) -> bool:
        """Whether the answer needs no column, since the options mark the right one."""
        options = fields.get("options")
        if field != "answer" or options is None:
            return False
        read = [self._options(record, options) for record in self._sample]
        return any(o is not None and o.right is not None for o in read)

    def find_groups(self) -> list[tuple[str, str]]:
        """(name, column) of columns named like groups whose values recur, the coarsest first."""
        found: list[tuple[int, str, str]] = []
        partitions: set[int] = set()
        for name in self._names:
            group = PLAIN_GROUPS.get(plain_name(name))
            if group is None or any(g == group for _, g, _ in found):
                continue
            first: dict[str, int] = {}
            members = [
                first.setdefault(text, len(first))
                for text in (group_key(record.get(name)) for record in self._records)
            ]
            blank = "" in first
            count, partition = len(first) - blank, hash(tuple(members))
            if 2 <= count <= 0.9 * len(members) and partition not in partitions:
                found.append((count, group, name))
                partitions.add(partition)
        return [(group, name) for _, group, name in sorted(found, key=lambda f: f[0])]

    # content ------------------------------------------------------------------------------------

    def _cells(self, column: str) -> list[Any]:
        cells = [look_up(record, column) for record in self._sample]
        return [cell for cell in cells if not is_blank(cell)]

    def _confirms(self, field: str, column: str) -> bool:
        """Whether the cells can be what the name says; the field's own name needs less."""
        cells = self._cells(column)
        own_name = plain_name(column) == plain_name(field)
        texts = [cell for cell in cells if not isinstance(cell, list | tuple | Mapping)]
        if field == "question":
            return 2 * sum(isinstance(cell, str) for cell in cells) > len(cells)
        if field == "options":
            read = any(len(o.texts) > 1 for cell in cells if (o := self._read(cell)))
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

    def _read(self, cell: Any) -> Options | None:
        try:
            return read_options(cell, self._settings.options_separator)
        except (ValueError, TypeError):
            return None

    def _options(self, record: Record, columns: Guess) -> Options | None:
        if isinstance(columns, str):
            return self._read(look_up(record, columns))
        return self._read([look_up(record, column) for column in columns])

    def _is_family(self, family: Sequence[str], fields: Mapping[str, Guess]) -> bool:
        """Whether these columns hold one option each: some row fills two of them."""
        return any(
            sum(not is_blank(record.get(column)) for column in family) > 1
            for record in self._sample
        )

    def _nested(self) -> list[str]:
        """Dotted paths of the fields inside of columns that hold objects, two levels deep."""
        paths: dict[str, None] = {}
        for record in self._sample[:100]:
            for name, cell in record.items():
                if isinstance(cell, Mapping) and len(cell) <= 100:
                    for key, inner in cell.items():
                        paths[f"{name}.{key}"] = None
                        if isinstance(inner, Mapping) and len(inner) <= 100:
                            paths |= {f"{name}.{key}.{k}": None for k in inner}
        return list(paths)

    @staticmethod
    def _matches_nested(field: str, path: str) -> bool:
        return plain_name(path.rpartition(".")[2]) in PLAIN[field]

    # several candidates -------------------------------------------------------------------------

    def _settle(self, field: str, choices: list[Guess], fields: Mapping[str, Guess]) -> Guess:
        """The one of several candidates that all agree with, or the only one that can be meant."""
        first = choices[0]
        settled: Guess | None
        if field == "question":
            settled = self._settle_questions([c for c in choices if isinstance(c, str)])
        elif field == "id":
            settled = self._settle_ids([c for c in choices if isinstance(c, str)])
        elif field == "options":
            settled = self._settle_options(choices)
        elif field == "answer":
            settled = self._settle_answers([c for c in choices if isinstance(c, str)], fields)
        else:
            exact = [
                c for c in choices if isinstance(c, str) and plain_name(c) == plain_name(field)
            ]
            settled = exact[0] if exact else None
        if settled is None:
            listed = " or ".join(c if isinstance(c, str) else ", ".join(c) for c in choices)
            example = first if isinstance(first, str) else f"[{','.join(first)}]"
            raise UserError(
                f"benchmark.columns.{field} is not set, and may be {listed}: say which, e.g. "
                f"'benchmark.columns.{field}={example}'",
                settings=[f"benchmark.columns.{field}={example}"],
            )
        return settled

    def _settle_questions(self, columns: Sequence[str]) -> str | None:
        """The column whose text is part of all the others (a prompt repeats the question)."""
        texts = {c: [plain_text(look_up(r, c)) for r in self._sample] for c in columns}
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

    def _settle_ids(self, columns: Sequence[str]) -> str | None:
        """The only column without repeats, row counters aside; ``id`` itself goes first."""
        cells = {c: [plain_text(r.get(c)) for r in self._records] for c in columns}
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

    def _settle_options(self, choices: Sequence[Guess]) -> Guess | None:
        """The first of several columns that hold the same options."""

        def texts(columns: Guess) -> list[Any]:
            read = [self._options(record, columns) for record in self._sample]
            return [None if o is None else o.texts for o in read]

        first = texts(choices[0])
        return choices[0] if all(texts(c) == first for c in choices[1:]) else None

    def _settle_answers(self, columns: Sequence[str], fields: Mapping[str, Guess]) -> str | None:
        """The first of several columns that give every row the same gold."""
        options = fields.get("options")
        read = [None if options is None else self._options(r, options) for r in self._sample]
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
        for record, options in zip(self._sample, read, strict=True):
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


def group_key(cell: Any) -> str:
    """What a group's cell is compared by; a picture inside of it by a digest."""
    if isinstance(cell, Mapping | list | tuple):
        cell = json.dumps(cell, sort_keys=True, default=str)
    text = plain_text(cell)
    if len(text) <= MAX_KEY:
        return text
    from hashlib import blake2b

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
