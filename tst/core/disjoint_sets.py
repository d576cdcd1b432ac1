"""Sets that are joined pair by pair (union-find)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

Item = TypeVar("Item", int, str)


class DisjointSets(Generic[Item]):
    """At first every item is a set of its own; a set is named after its smallest item."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._towards: dict[Item, Item] = {item: item for item in items}

    def name_of(self, item: Item) -> Item:
        """The name of the set that an item is in; equal for items of one set."""
        towards = self._towards
        while towards[item] != item:
            towards[item] = towards[towards[item]]
            item = towards[item]
        return item

    def join(self, one: Item, other: Item) -> None:
        """Make one set of the sets of two items."""
        names = self.name_of(one), self.name_of(other)
        self._towards[max(names)] = min(names)
