"""The option that a model's answer to a multiple-choice question names, or none: never a guess.

In this order: the whole text is an option; what it marks (answer tags, boxes); what it states ("the
answer is B"); what it concludes ("so B", "I choose B"); what its first line or a line of its own
begins with; the one option that a single sentence names. The first of these that is there decides,
also where it is understood as no option. Two different answers are none.
"""

from __future__ import annotations

from collections.abc import Sequence

from tst.pruning.model_answers.final_answer import (
    concluded_answers,
    marked_answers,
    sentences,
    spoken_part,
    stated_answers,
    without_markup,
)
from tst.pruning.model_answers.option_mentions import (
    CONTRADICTION,
    beginning_of_line,
    marked_beginning,
    one_in_brackets,
    only_named,
    opening,
    standing_first,
    whole_answer,
    without_list,
)
from tst.pruning.model_answers.readings import Reading, agreed, ambiguous, unparsed


def read_choice(text: str, options: Sequence[str]) -> Reading[int]:
    """The 0-based index of the option that a text answers with."""
    spoken = spoken_part(text)
    plain = without_markup(spoken).strip()
    if not plain:
        return unparsed()
    whole = whole_answer(plain, options)
    if whole is not None:
        return _reading([whole])
    if marks := marked_answers(spoken):
        return _read_marks(marks, options)
    plain = without_list(plain, options)
    if stated := stated_answers(plain):
        return _read_statements(stated, options)
    concluded = {_concluded(said, options) for said in concluded_answers(plain)}
    concluded |= {whole_answer(last, options) for last in sentences(plain)[1:][-1:]}
    lines = [line for line in plain.splitlines() if line.strip()]
    begun = {marked_beginning(line, options) for line in lines}
    begun |= {opening(line, options) for line in lines[:1]}
    if found := (concluded | begun) - {None}:
        return _reading(found)
    return _read_mention(plain, options)


def _reading(found: Sequence[int | None] | set[int | None]) -> Reading[int]:
    """One answer for equal finds; ambiguous where they differ or contradict themselves."""
    if CONTRADICTION in found:
        return ambiguous()
    return agreed([index for index in found if index is not None])


def _read_marks(marks: Sequence[str], options: Sequence[str]) -> Reading[int]:
    """The option in the last mark; the others are none, or the same option."""
    found = [_strict(mark, options) for mark in marks]
    return unparsed() if found[-1] is None else _reading(found)


def _read_statements(stated: Sequence[tuple[str, str]], options: Sequence[str]) -> Reading[int]:
    """The option that the statements agree on; else one that stands alone in a later line."""
    found = {beginning_of_line(rest, options) for rest, _ in stated} - {None}
    if not found:
        lines = stated[-1][1].splitlines()
        found = {marked_beginning(line, options) for line in lines if line.strip()} - {None}
    if not found:
        found = {one_in_brackets(rest, options) for rest, _ in stated} - {None}
    return _reading(found)


def _concluded(said: str, options: Sequence[str]) -> int | None:
    """The option that a conclusion gives: it stands first, with nothing or a stop behind it."""
    index = standing_first(said, options)
    return index if index is not None else one_in_brackets(said, options)


def _strict(text: str, options: Sequence[str]) -> int | None:
    """The option that a mark holds, alone or before an explanation."""
    whole = whole_answer(text, options)
    return whole if whole is not None else beginning_of_line(text, options)


def _read_mention(plain: str, options: Sequence[str]) -> Reading[int]:
    """The one option that a text of a single sentence names and does not deny.

    In a longer text an option may be mentioned on the way to another.
    """
    if len(sentences(plain)) > 1 or plain.endswith("..."):
        return unparsed()
    return _reading([only_named(plain, options)])
