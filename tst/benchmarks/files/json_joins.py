"""Questions and answers in two lists of one JSON object, as COCO and VQA files have them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tst.benchmarks.column_names import PLAIN, plain_name
from tst.benchmarks.files.records import Record

LEAST_JOINED = 2 / 3
"""The least share of questions that must find an answer."""


def join_lists(
    questions: Sequence[Record], others: Mapping[str, Sequence[Record]]
) -> tuple[list[Record], str] | None:
    """The questions with the answers of another list, joined by an id, and a note of it.

    None where the questions have answers of their own, and unless one list alone has answers whose
    ids are the questions'. Several answers to one question become a list.
    """
    if _named(questions, "answer"):
        return None
    found = [
        (name, ours, theirs)
        for name, records in others.items()
        if _named(records, "answer")
        for ours in _named(questions, "id")
        for theirs in _named(records, "id")
        if _joins([r.get(ours) for r in questions], [r.get(theirs) for r in records])
    ]
    same = [pair for pair in found if plain_name(pair[1]) == plain_name(pair[2])]
    chosen = same if same else found
    if len(chosen) != 1:
        return None
    name, ours, theirs = chosen[0]
    by_key: dict[object, list[Record]] = defaultdict(list)
    for record in others[name]:
        by_key[record.get(theirs)].append(record)
    joined = [{**_merge(by_key.get(q.get(ours), [])), **q} for q in questions]
    return joined, f"The answers are those of its list {name!r}, by {ours}."


def _named(records: Sequence[Record], field: str) -> list[str]:
    """The columns that are named like a field."""
    names = dict.fromkeys(str(name) for record in records[:100] for name in record)
    return [name for name in names if plain_name(name) in PLAIN[field]]


def _joins(ours: Sequence[object], theirs: Sequence[object]) -> bool:
    """Whether these are the ids of questions, and of answers to them."""
    if not all(isinstance(key, str | int) for key in (*ours, *theirs)):
        return False
    known, asked = set(ours), set(theirs)
    return len(known) == len(ours) and len(known & asked) >= LEAST_JOINED * len(known)


def _merge(answers: Sequence[Record]) -> Record:
    """The fields of the answers to one question; those that differ as a list of all."""
    if len(answers) < 2:
        return dict(answers[0]) if answers else {}
    names = dict.fromkeys(name for answer in answers for name in answer)
    cells = {name: [answer.get(name) for answer in answers] for name in names}
    return {
        name: column[0] if all(cell == column[0] for cell in column) else column
        for name, column in cells.items()
    }
