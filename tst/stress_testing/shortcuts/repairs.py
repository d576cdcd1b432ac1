"""How each shortcut is mended, and which of two statistics is the simpler one.

Shortcuts have the stable names of ``diagnostics.forest.shortcuts``; docs/shortcuts.md has a section
for each.
"""

from __future__ import annotations

REPAIRS = {
    "constant": "vary the answers of this type",
    "option_text": "make this option wrong more often where it is offered",
    "position": "shuffle the options, so that every place is right equally often",
    "length": "give the other options this length",
    "number_rank": "let the right number stand at every rank among the options equally often",
    "option_set": "vary the answer where these options are offered",
    "question_words": "let wrong options share as many words with the question",
    "other_options": "make all options equally alike",
    "metadata": "vary the answer among questions with this metadata",
    "entity": "vary the answer where this is asked about",
    "pair": "vary the answer where these two are asked about",
    "wording": "vary the answer among questions of this wording",
    "repeated_question": "keep one of the repeats, or vary the answer",
    "comparison": "let each of these options win equally often",
    "order": "ask for both orders of these equally often",
    "direction": "ask from the other side as well, so that both sides are right equally often",
    "siblings": "offer options that fit the other questions of the group equally well",
    "own_feature": "vary the answer among questions that share this feature",
}
"""Shortcut -> how to mend it in general."""

SIMPLEST_FIRST = (
    "constant",
    "option.type_text",
    "position",
    "length",
    "numbers",
    "option.set",
    "overlap",
    "similarity",
    "option.head",
    "option.word",
    "option",
    "metadata",
    "entities.first",
    "entities.word",
    "entities.pair",
    "entities.words",
    "entities",
    "template",
    "counts",
    "distance",
    "relation",
    "comparisons",
    "order",
    "opposites",
    "directions",
    "route",
)
"""Statistics, or their families: of those that tell an answer equally well the first is named. An
option that is right wherever it is offered comes before its place and its length, as the answers of
yes or no have all three in common; its single words come after them, as long options have more."""


def simplicity(statistic: str) -> int:
    """Place of a statistic among all, lower is simpler; a user's own come last."""
    family = statistic.split(".")[0]
    known = statistic if statistic in SIMPLEST_FIRST else family
    if known not in SIMPLEST_FIRST:
        return len(SIMPLEST_FIRST)
    return SIMPLEST_FIRST.index(known)
