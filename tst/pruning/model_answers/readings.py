"""What reading a model's answer gave: the answer, several, or none."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

PARSED, AMBIGUOUS, UNPARSED = "parsed", "ambiguous", "unparsed"
STATES = (PARSED, AMBIGUOUS, UNPARSED)


@dataclass(frozen=True)
class Reading(Generic[T]):
    """An answer as it was read.

    answer: None unless ``state`` is ``parsed``
    state: ``ambiguous`` where a text gives several answers or contradicts itself, ``unparsed``
        where it gives none that is understood; both are scored as wrong
    """

    answer: T | None
    state: str


def parsed(answer: T) -> Reading[T]:
    """The one answer that a text gives."""
    return Reading(answer, PARSED)


def ambiguous() -> Reading[T]:
    """Several answers, or one that is taken back."""
    return Reading(None, AMBIGUOUS)


def unparsed() -> Reading[T]:
    """No answer that is understood."""
    return Reading(None, UNPARSED)


def agreed(answers: Collection[T]) -> Reading[T]:
    """One answer where all are the same; ambiguous where they differ; unparsed where none is."""
    distinct = set(answers)
    if len(distinct) == 1:
        return parsed(distinct.pop())
    return ambiguous() if distinct else unparsed()
