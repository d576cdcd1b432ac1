"""Which words of a planted question are its cue (tst/benchmarks/planted.py plants them)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from tst.benchmarks import planted_words
from tst.benchmarks.planted import CUED_POSITION
from tst.explaining.words import LETTER, OPTION, QUESTION, Word


def cue_words(row: Mapping[str, Any], words: list[Word]) -> np.ndarray:
    """Indices of the cue's words; empty where the question has no cue or is not multiple-choice.

    answer_position: the letter of the option that is usually right; entity_prior: the text of the
    option that is usually right; longest_option: the clause that makes it long; object_pair: the
    two objects.
    """
    find = _FINDERS.get(str(row["cue"])) if row.get("planted") else None
    return np.array([], dtype=int) if find is None else np.flatnonzero(find(row, words))


def _position(row: Mapping[str, Any], words: list[Word]) -> list[bool]:
    return [w.part == LETTER and w.option == CUED_POSITION for w in words]


def _entity(row: Mapping[str, Any], words: list[Word]) -> list[bool]:
    usual = [i for i, o in enumerate(row["options"]) if o in planted_words.FAVOURITE_ITEMS]
    return [w.part == OPTION and w.option in usual for w in words]


def _length(row: Mapping[str, Any], words: list[Word]) -> list[bool]:
    clause = {
        i: len(option.split()) - len(tail.split())
        for i, option in enumerate(row["options"])
        for tail in planted_words.CLAUSES
        if option.endswith(" " + tail)
    }
    seen = dict.fromkeys(clause, 0)
    found = []
    for word in words:
        inside = word.part == OPTION and word.option in clause
        found.append(inside and seen[word.option] >= clause[word.option])
        if inside:
            seen[word.option] += 1
    return found


def _pair(row: Mapping[str, Any], words: list[Word]) -> list[bool]:
    names = (*planted_words.FIRST_OBJECTS, *planted_words.SECOND_OBJECTS)
    objects = {part for name in names for part in name.split()}
    return [w.part == QUESTION and re.sub(r"\W", "", w.text) in objects for w in words]


_FINDERS = {
    "answer_position": _position,
    "entity_prior": _entity,
    "longest_option": _length,
    "object_pair": _pair,
}
