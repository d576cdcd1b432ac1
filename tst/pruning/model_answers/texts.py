"""The text that a model's answer to an open question gives, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tst.core.metrics import normalise_text
from tst.pruning.model_answers.final_answer import (
    marked_answers,
    spoken_part,
    stated_answers,
    without_markup,
)
from tst.pruning.model_answers.readings import Reading, ambiguous, parsed, unparsed

_YES_NO = re.compile(r"\s*(yes|no)\b(?!\s*(?:or|and|/)\s*(?:yes|no)\b)", re.IGNORECASE)


def read_text(text: str, accepted: Sequence[str] = ()) -> Reading[str]:
    """What a text marks or states as its answer, else all that it says.

    accepted: the accepted answers; where these are yes or no, the first word answers
    """
    spoken = spoken_part(text)
    plain = without_markup(spoken).strip()
    said = marked_answers(spoken)
    said = said or [rest.partition("\n")[0].strip(" .\"'") for rest, _ in stated_answers(plain)]
    distinct = {normalise_text(answer): answer for answer in said if answer}
    if len(distinct) > 1:
        return ambiguous()
    answer = next(iter(distinct.values()), plain)
    if accepted and all(normalise_text(a) in ("yes", "no") for a in accepted):
        match = _YES_NO.match(answer)
        return parsed(match[1].lower()) if match else unparsed()
    return parsed(answer) if answer else unparsed()
