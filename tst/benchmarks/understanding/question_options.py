"""Options of rows whose option cells are empty, and cells that only look like options."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from tst.benchmarks.lettered import split_question, strip_letters
from tst.benchmarks.marks import FIRST_LETTERS
from tst.benchmarks.settings import AnswerForm, QuestionFormat
from tst.benchmarks.understanding.formats import BY_GOLD, read_format_name
from tst.benchmarks.understanding.gold_cells import (
    READERS,
    ContradictionError,
    gold_cell,
    read_index,
    readings,
)
from tst.benchmarks.understanding.numbers import parse_number_cell
from tst.benchmarks.understanding.row import COLUMN, QUESTION, SETTING, Row
from tst.benchmarks.values import is_blank, plain_text

ABSENT = ("nan", "NaN", "NAN", "None", "null", "Null", "NULL", "N/A", "n/a", "NA", "<NA>", "#N/A")
"""Words that stand in an option's place where there is no option."""

MAYBE_ABSENT = ("none", "NONE", "na", "-", "--")
"""Words that do so only where one row has them twice: "none" is an option like others."""

_ANY_ABSENT = frozenset((*ABSENT, *MAYBE_ABSENT))
_MAY_HOLD_OPTIONS = re.compile(
    rf"[(（\[]\s?(?:{FIRST_LETTERS})\s?[)）\]]|\b(?:{FIRST_LETTERS})\s?[.):：、．）]"
)


def strip_all_letters(rows: Sequence[Row]) -> None:
    """Take the letters off options where most rows, or most of a type, have them.

    ``A. Lincoln`` alone is a name; ``A. x``, ``B. y``, ``C. z`` in a column are letters anyway.
    """
    with_options = [row for row in rows if row.options]
    stripped = [strip_letters(row.options or []) for row in with_options]
    lettered: dict[str, list[bool]] = defaultdict(list)
    for row, options in zip(with_options, stripped, strict=True):
        lettered[row.question_type].append(options is not None)
    everywhere = 2 * sum(o is not None for o in stripped) > len(with_options)
    for row, options in zip(with_options, stripped, strict=True):
        if options is None:
            continue
        in_type = lettered[row.question_type]
        clear = row.options_from == COLUMN and len(options.texts) > 2
        if everywhere or 2 * sum(in_type) > len(in_type) or clear:
            row.options = options.texts
            row.labels = row.labels or options.marks


def drop_absent_options(rows: Sequence[Row], form: AnswerForm) -> dict[str, int]:
    """Take words like ``nan`` out of the columns' options; how many of each there were.

    A spelling that some row's gold points at is an option like others ("None" of these).
    """
    places: dict[str, list[Row]] = defaultdict(list)
    right: set[str] = set()
    twice: set[str] = set()
    for row in rows:
        if not row.options or row.options_from != COLUMN:
            continue
        words = {o for o in row.options if len(o) <= 4 and o in _ANY_ABSENT}
        if not words:
            continue
        for word in words:
            places[word].append(row)
        twice |= {word for word in words if row.options.count(word) > 1}
        right |= {row.options[i] for i in _meant(row, form) if row.options[i] in words}
    absent = {w for w in places if w not in right and (w in ABSENT or w in twice)}
    dropped = dict.fromkeys(sorted(absent), 0)
    for row in {id(row): row for word in absent for row in places[word]}.values():
        options = row.options or []
        for word in absent:
            dropped[word] += options.count(word)
        kept = list(options)
        while kept and kept[-1] in absent:
            kept.pop()
        between = [i for i, option in enumerate(kept) if option in absent]
        if between:
            row.problem = f"option {between[0] + 1} of {len(kept)} is {kept[between[0]]!r}"
        row.options = kept or None
    return dropped


def _meant(row: Row, form: AnswerForm) -> set[int]:
    """The options that a row's gold means; numbers mean none unless it is said how they count."""
    options = row.options or []
    if form is not AnswerForm.auto:
        index = READERS[form](row.answer, options)
        return {index} if index is not None and 0 <= index < len(options) else set()
    try:
        _, found = readings(gold_cell(row.answer), options, row.labels)
    except ContradictionError:
        return set()
    return {index for kind, index in found.items() if kind in ("letter", "text", "key")}


def find_options(
    rows: Sequence[Row], constant: list[str] | None, form: AnswerForm, wanted: QuestionFormat
) -> None:
    """Options for rows without any: those in the question's text, else ``benchmark.options``.

    Options in a question count only where the gold is one of them; a constant set only where the
    gold is one of it, by its text, or by its place where all numbers of the type are places.
    """
    without = [row for row in rows if not row.options and not row.problem and _may_have(row)]
    if wanted in (QuestionFormat.auto, QuestionFormat.mc):
        for row in without:
            _look_in_question(row, form)
    if constant is None:
        return
    by_type: dict[str, list[Row]] = defaultdict(list)
    for row in without:
        if not row.options:
            by_type[row.question_type].append(row)
    for same_type in by_type.values():
        golds = [row.answer for row in same_type if parse_number_cell(row.answer) is not None]
        places = all(_is_place(gold, constant, form) for gold in golds)
        for row in same_type:
            is_number = parse_number_cell(row.answer) is not None
            if (is_number and places) or (
                _meant_constant(row, constant) and not is_blank(row.answer)
            ):
                row.options, row.options_from = list(constant), SETTING


def _may_have(row: Row) -> bool:
    return is_blank(row.format) or read_format_name(row.format) not in ("num", "open")


def _look_in_question(row: Row, form: AnswerForm) -> None:
    if not _MAY_HOLD_OPTIONS.search(row.question):
        return
    parts = split_question(row.question)
    if parts is None:
        return
    question, lettered = parts
    options = lettered.texts
    try:
        gold = gold_cell(row.answer)
        _, found = readings(gold, options, lettered.marks)
    except ContradictionError as error:
        row.problem = str(error)
        return
    said = read_format_name(row.format) if not is_blank(row.format) else None
    fits = {"letter", "text", "key"} & set(found)
    if form is not AnswerForm.auto:
        index = READERS[form](gold, options)
        fits = {form.value} if index is not None and 0 <= index < len(options) else fits
    if fits or said not in (None, BY_GOLD):
        row.question, row.options, row.options_from = question, options, QUESTION
        row.labels = lettered.marks


def _is_place(gold: object, constant: Sequence[str], form: AnswerForm) -> bool:
    first = 1 if form is AnswerForm.index1 else 0
    index = read_index(gold, constant)
    return index is not None and first <= index < len(constant) + first


def _meant_constant(row: Row, constant: Sequence[str]) -> bool:
    try:
        _, found = readings(gold_cell(row.answer), constant)
    except ContradictionError:
        return False
    return bool({"text", "letter", "yes/no"} & set(found)) and not plain_text(row.answer).isdigit()
