"""Why a question gives its answer away, and how to mend it, in words with counts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tst.stress_testing.shortcuts.repairs import REPAIRS

UNEXPLAINED = "no single statistic of the training answers tells it"
"""Said where the shortcut is empty."""
UNNAMED = "no single statistic tells"
"""The same in a list of shortcuts."""
OF_OPTIONS = (
    "length.type_rank", "option.head", "option.word", "option.shape", "overlap", "similarity"
)  # fmt: skip
"""Statistics that several options of a question can have in common."""
ORDINALS = ("", "second", "third", "fourth", "fifth", "middle")
CLAIMED = {
    "comparison": "it wins against the others offered",
    "order": "the order of its parts",
    "direction": "the side on which it puts what is asked about",
}
OPTIONS = {
    "question_words": "an option that shares this many words with the question",
    "other_options": "an option that is this much like the others",
    "metadata": "this option, for this metadata,",
    "entity": "this option, for what is asked about,",
    "pair": "this option, for the two things asked about,",
    "wording": "this option, to questions of this wording,",
    "repeated_question": "this option, to the same question,",
    "comparison": "this option against the others",
    "direction": "this option, for what is asked about,",
    "own_feature": "an option with this feature of your own",
}
QUESTIONS = {
    "constant": "of this type",
    "entity": "about the same thing",
    "pair": "about the same two things",
    "metadata": "with this metadata",
    "wording": "of this wording",
    "repeated_question": "with the same text",
    "own_feature": "that share a feature of your own",
}


@dataclass(frozen=True)
class Evidence:
    """What one statistic says of a question's gold answer.

    statistic: its name; shortcut: the one that it belongs to
    hits, expected, count: as in ``statistics.Statistic``
    answer: what is typical (num, open)
    words: what it is about: of the question, or of the gold option
    place: of the gold option, from 0 (mc)
    larger, smaller: options that are longer and shorter, or larger and smaller as numbers (mc)
    """

    statistic: str
    shortcut: str
    hits: float
    expected: float
    count: float
    answer: str | None
    words: tuple[str, ...]
    place: int = 0
    larger: int = 0
    smaller: int = 0


def explain(evidence: Evidence) -> str:
    """The reason, in one sentence that counts training answers."""
    hits, count = f"{evidence.hits:.0f}", f"{evidence.count:.0f}"
    if evidence.answer is not None:
        share = evidence.hits / evidence.count
        alike = QUESTIONS.get(evidence.shortcut, QUESTIONS["own_feature"])
        if evidence.words:
            alike = f"that mention {_list(evidence.words)}"
        given = f"the answer '{evidence.answer}' scores {share:.0%}"
        return f"{given} on the {count} training questions {alike}"
    if math.isnan(evidence.expected):  # a claim: what counts is what speaks against it
        against = f"{evidence.count - evidence.hits:.0f}"
        what = CLAIMED.get(evidence.shortcut, OPTIONS["own_feature"])
        return f"{what}: {hits} training answers agree, {against} disagree"
    counted = "options" if evidence.statistic in OF_OPTIONS else "questions"
    return (
        f"{_subject(evidence)} is right in {hits} of {count} training {counted} "
        f"({evidence.expected:.1f} by chance)"
    )


def repair(evidence: Evidence) -> str:
    """What to change, with the counts where they say how far it is needed."""
    if evidence.shortcut not in ("entity", "pair"):
        return REPAIRS[evidence.shortcut]
    is_pair = evidence.shortcut == "pair"
    if not is_pair and len(evidence.words) != 1:
        return REPAIRS["entity"]
    what = "this pair" if is_pair else f"'{evidence.words[0]}'"
    count = f"{evidence.count:.0f}"
    if evidence.answer is not None:
        return f"{what} has about one answer in {count} questions: vary it"
    if evidence.hits == evidence.count:
        return f"{what} has one answer in all {count} questions that offer it: vary it"
    share = f"{evidence.hits:.0f} of {count}"
    return f"{what} has this answer in {share} questions that offer it: vary it"


def without_quotes(sentence: str) -> str:
    """The sentence with all that it quotes of the benchmark left out."""
    return re.sub(r"'.*'", "'…'", sentence)


def _subject(evidence: Evidence) -> str:
    shortcut, words = evidence.shortcut, evidence.words
    if shortcut == "position":
        return f"the option in place {chr(ord('A') + evidence.place)}"
    if shortcut == "length":
        return f"the {_ranked(evidence, 'longest', 'shortest')} option"
    if shortcut == "number_rank":
        return f"the {_ranked(evidence, 'largest', 'smallest')} of the numbers offered"
    if evidence.statistic == "option.type_text":
        return _list(words)
    if evidence.statistic == "option.set":
        return f"{_list(words)}, where these options are offered,"
    if evidence.statistic == "option.set_rank":
        return f"the {_ranked(evidence, 'largest', 'smallest')} of these options"
    if evidence.statistic == "option.shape":
        return "an option of this form"
    if shortcut == "option_text":
        ends = "that ends in" if evidence.statistic == "option.head" else "with"
        return f"an option {ends} {_list(words) or 'a word of this one'}"
    if words:
        return f"this option, where {_list(words)} {'are' if len(words) > 1 else 'is'} mentioned,"
    return OPTIONS.get(shortcut, OPTIONS["own_feature"])


def _ranked(evidence: Evidence, high: str, low: str) -> str:
    """A rank in words, counted from the nearer end."""
    if evidence.larger == 0:
        return high
    if evidence.smaller == 0:
        return low
    most = len(ORDINALS) - 1
    if evidence.larger <= evidence.smaller:
        return f"{ORDINALS[min(evidence.larger, most)]} {high}"
    return f"{ORDINALS[min(evidence.smaller, most)]} {low}"


def _list(words: tuple[str, ...]) -> str:
    return " and ".join(f"'{word}'" for word in words)
