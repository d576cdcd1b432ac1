"""Which shortcut each feature is evidence of, by stable names that readers see.

A shortcut is what a benchmark's designer can mend: one place that names it for every feature.
Features are named family.what; the longest entry that is a feature's family, or the feature
itself, decides. docs/shortcuts.md says what each shortcut is.
"""

from __future__ import annotations

from collections.abc import Mapping

CHOICES = {
    "constant": "constant",
    "position": "position",
    "prior": "position",
    "length": "length",
    "option": "option_text",
    "option.set": "option_set",
    "option.set_rank": "option_set",
    "option.shape": "option_set",
    "words": "option_text",
    "pieces": "option_text",
    "nearest": "option_text",
    "numbers": "number_rank",
    "similarity": "other_options",
    "overlap": "question_words",
    "options": "question_words",
    "template": "wording",
    "question": "wording",
    "entities.pair": "pair",
    "entities.pair_13": "pair",
    "entities.pair_23": "pair",
    "entities.couple": "pair",
    "entities.words": "pair",
    "distance": "pair",
    "entities": "entity",
    "crosses": "entity",
    "counts": "entity",
    "counts.offered": "option_set",
    "entities.question": "repeated_question",
    "route": "wording",
    "comparisons": "comparison",
    "order": "order",
    "opposites": "direction",
    "directions": "direction",
    "relation": "direction",
    "metadata": "metadata",
    "siblings": "siblings",
}
"""Of multiple-choice and open questions: what makes an option look right."""

NUMBERS = {
    "constant": "constant",
    "entities.pair": "pair",
    "entities.words": "pair",
    "words": "entity",
    "entities": "entity",
    "entities.question": "repeated_question",
    "template": "wording",
    "question": "wording",
    "metadata": "metadata",
    "siblings": "siblings",
}
"""Of numeric questions: what the predicted number follows from."""

OWN_FEATURE = "own_feature"
"""What a featuriser of the user's own reads."""

ENOUGH = 0.5
"""The share of what the strongest shortcut adds that makes a simpler one the one to name."""


def shortcut_of(feature: str, by_family: dict[str, str]) -> str:
    """The shortcut of a feature family.what; by_family: CHOICES or NUMBERS."""
    family, _, what = feature.partition(".")
    what = what.removesuffix("_lift").removesuffix("_odds").removesuffix("_count")
    return by_family.get(f"{family}.{what}") or by_family.get(family, OWN_FEATURE)


def all_shortcuts() -> list[str]:
    """Every name, in the order of the tables above."""
    return list(dict.fromkeys([*CHOICES.values(), *NUMBERS.values(), OWN_FEATURE]))


def leading_shortcut(added: Mapping[str, float]) -> str | None:
    """The simplest shortcut (in the order of the tables) that adds nearly as much as the strongest.

    Long options have words of their own, so that an option's length and its words say the same:
    the simpler reason is the one to mend. added: by name, of a question or the mean of a type's;
    None where nothing is added.
    """
    most = max(added.values(), default=0.0)
    if most <= 0:
        return None
    return next(name for name in all_shortcuts() if added.get(name, 0.0) >= ENOUGH * most)
