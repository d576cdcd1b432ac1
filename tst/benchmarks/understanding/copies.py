"""Circular copies: one question asked several times with its options in other orders.

Benchmarks that score a question only if it is right in every order (MMBench's circular evaluation)
hold them; a model that trains on one copy knows the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from tst.benchmarks.understanding.column_cells import group_key
from tst.benchmarks.understanding.row import Row
from tst.benchmarks.values import look_up
from tst.core.disjoint_sets import DisjointSets

COPY_STEP = 1_000_000
"""MMBench adds it to a question's index for each copy."""


def find_copies(
    rows: Sequence[Row], records: Sequence[Mapping[str, Any]], shared: Sequence[str]
) -> dict[int, str]:
    """Position in ``rows`` -> name of its set of copies, for the mc rows that have copies.

    Copies have the same question, gold text and options, in more than one order, and one source:
    ids that are equal modulo 1,000,000, or an equal cell of a ``shared`` column or group. Equal
    text alone is no copy.
    """
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        if row.format == "mc" and row.options:
            key = (row.question, row.options[row.answer], tuple(sorted(row.options)))
            alike[hash(key), row.question].append(position)
    copies: dict[int, str] = {}
    for members in alike.values():
        if len(members) > 1 and _orders(rows, members) > 1:
            for source_rows in _of_one_source(rows, records, shared, members):
                if _orders(rows, source_rows) > 1:
                    name = min(rows[i].id for i in source_rows)
                    copies |= dict.fromkeys(source_rows, f"copies of {name}")
    return copies


def _orders(rows: Sequence[Row], members: Sequence[int]) -> int:
    return len({tuple(rows[i].options or ()) for i in members})


def _of_one_source(
    rows: Sequence[Row],
    records: Sequence[Mapping[str, Any]],
    shared: Sequence[str],
    members: Sequence[int],
) -> list[list[int]]:
    """The members in sets that some sign of a source joins."""
    joined = DisjointSets(members)
    by_sign: dict[Hashable, int] = {}
    for i in members:
        for sign in _signs(rows[i], records, shared):
            joined.join(i, by_sign.setdefault(sign, i))
    sets: dict[int, list[int]] = defaultdict(list)
    for i in members:
        sets[joined.name_of(i)].append(i)
    return [found for found in sets.values() if len(found) > 1]


def _signs(
    row: Row, records: Sequence[Mapping[str, Any]], shared: Sequence[str]
) -> list[tuple[str, str]]:
    signs = [(f"group {name}", value) for name, value in row.groups.items()]
    if row.id.isdecimal() and len(row.id) <= 18:
        signs.append(("id", str(int(row.id) % COPY_STEP)))
    for column in shared:
        if key := group_key(look_up(records[row.record], column)):
            signs.append((column, key))
    return signs
