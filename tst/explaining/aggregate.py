"""Explained questions together: which words, slots and options carry what training taught."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tst.explaining.attribution import attributable
from tst.explaining.run import Explained
from tst.explaining.words import LETTER, OPTION, QUESTION, Word

MOST_WORDS = 12


@dataclass(frozen=True)
class Carrier:
    """A word or a slot: mean share of the attribution where it occurs, and in how many questions.

    share: of the sum of absolute attributions, signed: above 0 it speaks for the gold option
    """

    name: str
    share: float
    questions: int


@dataclass(frozen=True)
class CueCheck:
    """Is the most attributed word the planted cue, in cued questions that the model gets right?

    found: in how many by the tuned model's attributions; untrained: by the untrained model's
    chance: share of questions expected of a random word or mark; NaN where there is no question
    """

    questions: int
    found: int
    untrained: int
    chance: float

    def __str__(self) -> str:
        return (
            f"{self.found} of {self.questions} (untrained model: {self.untrained}; "
            f"a random word: {100 * self.chance:.0f}%)"
        )


@dataclass(frozen=True)
class TypeSummary:
    """One question type."""

    question_type: str
    questions: int
    words: list[Carrier]
    slots: list[Carrier]
    cue: CueCheck


def summarise_types(explained: Sequence[Explained]) -> list[TypeSummary]:
    """A summary a question type, of the tuned model's attributions."""
    by_type: dict[str, list[Explained]] = defaultdict(list)
    for question in explained:
        by_type[str(question.row["question_type"])].append(question)
    found = []
    for name, questions in sorted(by_type.items()):
        found.append(
            TypeSummary(
                name,
                len(questions),
                _carriers(questions, _word_name)[:MOST_WORDS],
                _carriers(questions, _slot_name),
                check_cue(questions),
            )
        )
    return found


def check_cue(explained: Sequence[Explained]) -> CueCheck:
    """The tuned model's attributions beside two controls, on the same questions."""
    cued = [q for q in explained if q.correct and len(q.cue)]
    by_chance = [float(np.isin(attributable(q.prompt), q.cue).mean()) for q in cued]
    return CueCheck(
        len(cued),
        sum(int(np.argmax(q.tuned.words)) in q.cue for q in cued),
        sum(int(np.argmax(q.untrained.words)) in q.cue for q in cued),
        float(np.mean(by_chance)) if cued else float("nan"),
    )


def _carriers(
    questions: Sequence[Explained], naming: Callable[[Word, Explained], str]
) -> list[Carrier]:
    shares: dict[str, list[float]] = defaultdict(list)
    for question in questions:
        total = float(np.abs(question.tuned.words).sum()) or 1.0
        here: dict[str, float] = defaultdict(float)
        for word, value in zip(question.prompt.words, question.tuned.words, strict=True):
            name = naming(word, question)
            if name:
                here[name] += float(value) / total
        for name, share in here.items():
            shares[name].append(share)
    carriers = [Carrier(n, sum(v) / len(questions), len(v)) for n, v in shares.items()]
    return sorted(carriers, key=lambda c: (-abs(c.share), c.name))


def _word_name(word: Word, question: Explained) -> str:
    if word.part == LETTER:
        return word.text if word.option == question.gold else ""
    return re.sub(r"^\W+|\W+$", "", word.text).lower() if word.part in (OPTION, QUESTION) else ""


def _slot_name(word: Word, question: Explained) -> str:
    if word.part == QUESTION:
        return "question text"
    if word.part == LETTER:
        return "order of the options" if word.option == question.gold else ""
    if word.part != OPTION:
        return ""
    role = {question.gold: "right option", question.rival: "runner-up"}
    return role.get(word.option, "other options")
