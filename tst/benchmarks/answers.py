"""Gold answers: which way a table writes them, and what each one is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tst.benchmarks.options import LETTERS
from tst.benchmarks.settings import AnswerForm
from tst.benchmarks.values import is_blank, parse_list, plain_text
from tst.core.errors import UserError

# below this share of readable answers the table is not understood at all
MIN_READABLE = 0.5
# another form that reads this share of what the best one reads is a rival
RIVAL_SHARE = 0.9
# fewer answers than this do not show that counting starts at 1
MIN_FROM_ONE = 20

_LETTER = re.compile(r"\(?\s*([A-Za-z])\s*[).:]?")
_INDEX = re.compile(r"(\d{1,3})(\.0+)?")


def read_letter(answer: Any, options: Sequence[str]) -> int | None:
    """0-based index of ``B``, ``b``, ``(B)``, ``B.`` or ``B)``; may lie beyond the options."""
    match = _LETTER.fullmatch(plain_text(answer))
    return LETTERS.index(match[1].upper()) if match else None


def read_index(answer: Any, options: Sequence[str]) -> int | None:
    """A 0-based index as it stands; may lie beyond the options."""
    match = None if isinstance(answer, bool) else _INDEX.fullmatch(plain_text(answer))
    return int(match[1]) if match else None


def read_index_from_one(answer: Any, options: Sequence[str]) -> int | None:
    """0-based index of an answer counted from 1; may lie beyond the options."""
    index = read_index(answer, options)
    return None if index is None else index - 1


def read_text(answer: Any, options: Sequence[str]) -> int | None:
    """Index of the one option with this text (case and spacing aside), None for none or several."""
    wanted = plain_text(answer)
    if wanted in options:
        return options.index(wanted) if list(options).count(wanted) == 1 else None
    folded = [_fold(o) for o in options]
    for text in (wanted, re.sub(r"^\(?[A-Z][.):]\s+", "", wanted)):
        if folded.count(_fold(text)) == 1:
            return folded.index(_fold(text))
    return None


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


READERS: dict[AnswerForm, Callable[[Any, Sequence[str]], int | None]] = {
    AnswerForm.letter: read_letter,
    AnswerForm.index: read_index,
    AnswerForm.index1: read_index_from_one,
    AnswerForm.text: read_text,
}


def decide_form(name: str, answers: Sequence[Any], options: Sequence[Sequence[str]]) -> AnswerForm:
    """The form that reads a table's multiple-choice gold, from the evidence of all rows.

    Raises UserError when no form reads half of the answers, and when a second form reads them
    about as well with other results: gold is never guessed at.
    """
    read: dict[AnswerForm, list[int | None]] = {}
    for form, reader in READERS.items():
        indices = [reader(a, o) for a, o in zip(answers, options, strict=True)]
        read[form] = [
            i if i is not None and 0 <= i < len(o) else None
            for i, o in zip(indices, options, strict=True)
        ]
    counts = {form: sum(i is not None for i in indices) for form, indices in read.items()}
    best = max(counts, key=lambda form: counts[form])
    evidence = ", ".join(f"{form.value} {n}" for form, n in counts.items())
    fix = "Say which with benchmark.answer_as=letter|index|index1|text."
    if counts[best] < MIN_READABLE * len(answers):
        samples = ", ".join(f"{a!r:.40}" for a in answers[:5])
        raise UserError(
            f"benchmark {name}: the gold answers ({samples}, ...) cannot be read as letters, "
            f"indices or option texts (of {len(answers)}: {evidence}). Check "
            f"benchmark.columns.answer and benchmark.columns.options."
        )
    for rival in READERS:
        pairs = [(a, b) for a, b in zip(read[best], read[rival], strict=True) if None not in (a, b)]
        disagree = sum(a != b for a, b in pairs)
        if counts[rival] >= RIVAL_SHARE * counts[best] and disagree:
            raise UserError(
                f"benchmark {name}: the gold answers can be read in two ways, as {best.value} and "
                f"as {rival.value}, which differ on {disagree} of {len(answers)} rows (readable: "
                f"{evidence}). {fix}"
            )
    if best is AnswerForm.index1 and len(answers) < MIN_FROM_ONE:
        raise UserError(
            f"benchmark {name}: the gold answers look like indices from 1, but {len(answers)} rows "
            f"are too few to tell (readable: {evidence}). {fix}"
        )
    return best


def read_accepted(answer: Any) -> list[str]:
    """Accepted texts of an open question: a list, the text of a list, or one text."""
    # only a list of quoted texts: [0, 1] is an interval
    if isinstance(answer, str) and re.match(r"\s*\[\s*['\"]", answer):
        answer = parse_list(answer) or answer
    items = answer if isinstance(answer, list | tuple) else [answer]
    return list(dict.fromkeys(plain_text(i) for i in items if not is_blank(i)))
