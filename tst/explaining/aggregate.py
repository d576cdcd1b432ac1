"""Explained questions together: which words and parts of a prompt have the largest values."""

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
class MeanShare:
    """A word or a part of the prompt, and its mean share of the attributions of a question type.

    share: mean over the type's questions of its share of the sum of absolute attributions, signed:
        above 0 it favours the gold option; 0 in a question where it does not occur
    questions: number of questions in which it occurs
    """

    name: str
    share: float
    questions: int


@dataclass(frozen=True)
class CueCheck:
    """How often the word with the highest value is the planted cue.

    questions: number of questions with a cue that the model gets right
    found: in how many of them, by the attributions of the tuned model
    untrained: the same by the attributions of the untrained model
    chance: share expected of a randomly chosen word or letter; NaN where there is no question
    """

    questions: int
    found: int
    untrained: int
    chance: float

    def __str__(self) -> str:
        return (
            f"{self.found} of {self.questions} (untrained model: {self.untrained}; "
            f"random word: {100 * self.chance:.0f}%)"
        )


@dataclass(frozen=True)
class TypeSummary:
    """One question type: its words and parts with the largest mean shares, and the cue check."""

    question_type: str
    questions: int
    words: list[MeanShare]
    parts: list[MeanShare]
    cue: CueCheck


def summarise_types(explained: Sequence[Explained]) -> list[TypeSummary]:
    """One summary per question type, of the tuned model's attributions."""
    by_type: dict[str, list[Explained]] = defaultdict(list)
    for question in explained:
        by_type[str(question.row["question_type"])].append(question)
    found = []
    for name, questions in sorted(by_type.items()):
        found.append(
            TypeSummary(
                name,
                len(questions),
                _mean_shares(questions, _word_name)[:MOST_WORDS],
                _mean_shares(questions, _part_name),
                check_cue(questions),
            )
        )
    return found


def check_cue(explained: Sequence[Explained]) -> CueCheck:
    """The tuned model's attributions against two controls, on the same questions."""
    cued = [q for q in explained if q.correct and len(q.cue)]
    by_chance = [float(np.isin(attributable(q.prompt), q.cue).mean()) for q in cued]
    return CueCheck(
        len(cued),
        sum(int(np.argmax(q.tuned.words)) in q.cue for q in cued),
        sum(int(np.argmax(q.untrained.words)) in q.cue for q in cued),
        float(np.mean(by_chance)) if cued else float("nan"),
    )


def _mean_shares(
    questions: Sequence[Explained], naming: Callable[[Word, Explained], str]
) -> list[MeanShare]:
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
    means = [MeanShare(n, sum(v) / len(questions), len(v)) for n, v in shares.items()]
    return sorted(means, key=lambda c: (-abs(c.share), c.name))


def _word_name(word: Word, question: Explained) -> str:
    if word.part == LETTER:
        return word.text if word.option == question.gold else ""
    return re.sub(r"^\W+|\W+$", "", word.text).lower() if word.part in (OPTION, QUESTION) else ""


def _part_name(word: Word, question: Explained) -> str:
    if word.part == QUESTION:
        return "question text"
    if word.part == LETTER:
        return "order of the options" if word.option == question.gold else ""
    if word.part != OPTION:
        return ""
    role = {question.gold: "right option", question.runner_up: "runner-up"}
    return role.get(word.option, "other options")
