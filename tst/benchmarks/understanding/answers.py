"""Gold answers of multiple-choice questions: how each is written, and which option it is.

A cell is read in every way that fits. Where the ways agree the row is understood; where they do
not, the other rows with the same question type, kind of options and kind of cell decide, first
those with the very same options. What they leave open is ambiguous, and the row is left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

from tst.benchmarks.settings import AnswerForm
from tst.benchmarks.understanding.gold_cells import (
    INTEGER,
    LETTER,
    PLACES,
    READERS,
    ContradictionError,
    fold_text,
    gold_cell,
    read_index,
    read_letter,
    readings,
)
from tst.benchmarks.understanding.numbered_labels import drop_miscounted_labels
from tst.benchmarks.understanding.row import JOINED, Row
from tst.benchmarks.values import is_blank, parse_number, plain_text
from tst.core.errors import brief

# another form that reads this share of what the best one reads is a rival
RIVAL_SHARE = 0.9
# fewer answers than this do not show that counting starts at 1
MIN_FROM_ONE = 20


def read_gold(rows: Sequence[Row], form: AnswerForm) -> None:
    """Turn the gold of multiple-choice rows into option indices, and say in which form it was.

    form: how all of it is written; auto: by the evidence of the rows. What cannot be read stays as
    it is, and ``find_problem`` names it.
    """
    drop_miscounted_labels(rows)
    unclear: list[tuple[Row, str, dict[str, int]]] = []
    clear: list[tuple[Row, str, dict[str, int]]] = []
    for row in rows:
        assert row.options is not None
        if row.options_from == JOINED:
            row.answer, row.form = row.right, "text"
            continue
        try:
            if plain_text(row.answer) not in row.options:  # "[0, 1]" may be an option
                row.answer = gold_cell(row.answer)
            if is_blank(row.answer):
                _take_marked(row)
                continue
            if form is not AnswerForm.auto:
                _read_as(row, form)
                continue
            kind, found = readings(row.answer, row.options, row.labels)
        except ContradictionError as error:
            row.problem = str(error)
            continue
        counted = kind == INTEGER and bool(found.keys() & PLACES)
        if counted or len(set(found.values())) > 1:
            unclear.append((row, kind, found))
        else:
            clear.append((row, kind, found))
    if unclear:
        forms = _decide([*clear, *unclear])
        for (row, kind, found), decided in zip([*clear, *unclear], forms, strict=True):
            _take(row, kind, found, decided)
    else:
        for row, kind, found in clear:
            _take(row, kind, found, None)


def _take_marked(row: Row) -> None:
    """The gold of a row without an answer cell is the option that the options mark as right."""
    row.answer, row.form = row.right, "marked"
    if row.right is None:
        row.problem = row.problem or "no gold answer"


def _read_as(row: Row, form: AnswerForm) -> None:
    assert row.options is not None
    index = READERS[form](row.answer, row.options)
    if form in (AnswerForm.letter, AnswerForm.text):  # "B. tin" must not contradict itself
        _, found = readings(row.answer, row.options, row.labels)
        if form is AnswerForm.letter:
            index = found.get("key", index if index is not None else found.get("text"))
    row.form = form.value
    row.answer = plain_text(row.answer) if index is None else index


def _take(row: Row, kind: str, found: Mapping[str, int], decided: str | None) -> None:
    """Give a row its gold: by the decided form, else by the one reading that there is."""
    assert row.options is not None
    index: int | None = None
    if decided is not None and (decided in found or kind == INTEGER):
        row.form, index = decided, found.get(decided)
        if index is None:
            offset = {"index": 0, "index1": 1}.get(decided)
            position = read_index(row.answer, row.options)
            index = None if offset is None or position is None else position - offset
    elif len(set(found.values())) == 1 and not (kind == INTEGER and found.keys() <= PLACES):
        row.form, index = next(iter(found.items()))
    elif found:
        ways = ", ".join(f"{form} (option {i + 1})" for form, i in found.items())
        row.problem = (
            f"the gold {brief(plain_text(row.answer), 40)} is not clear: {ways}; "
            "benchmark.answer_as= says which"
        )
        return
    elif kind == LETTER:
        row.form, index = "letter", read_letter(row.answer, row.options)
    # labels 0 and 1 of two options may be their names as well as marks
    named = sorted(row.labels or []) == ["0", "1"]
    if index is not None and row.right not in (None, index) and not named:
        row.problem = f"the gold is option {index + 1}, but another option is marked as right"
    row.answer = plain_text(row.answer) if index is None else index


def _decide(read: Sequence[tuple[Row, str, dict[str, int]]]) -> list[str | None]:
    """The form of each row's gold, from the rows that are alike; None where they do not tell."""
    levels: list[Callable[[Row, str], Hashable]] = [
        lambda row, kind: (kind, row.question_type, _option_set(row)),
        lambda row, kind: (kind, row.question_type, _has_numbers(row)),
        lambda row, kind: (kind, _has_numbers(row)),
    ]
    forms: list[str | None] = [None] * len(read)
    for level in levels:
        alike: dict[Hashable, list[int]] = defaultdict(list)
        for i, (row, kind, _) in enumerate(read):
            alike[level(row, kind)].append(i)
        for members in alike.values():
            open_ = [i for i in members if forms[i] is None]
            if not open_:
                continue
            decided = _decisive_form([read[i][2] for i in members])
            best = max(Counter(f for i in open_ for f in read[i][2]).values(), default=0)
            if decided and sum(decided in read[i][2] for i in open_) == best:
                for i in open_:
                    forms[i] = decided
    return forms


def _option_set(row: Row) -> Hashable:
    return tuple(sorted(fold_text(o) for o in row.options or []))


def _has_numbers(row: Row) -> bool:
    return all(parse_number(o) is not None for o in row.options or [])


def _decisive_form(found: Sequence[Mapping[str, int]]) -> str | None:
    """The form that reads these cells; None where a second reads about as many, and otherwise."""
    counts = Counter(form for forms in found for form in forms)
    if not counts:
        return None
    best = max(counts, key=lambda form: counts[form])
    for rival in counts:
        disagree = any(
            forms[best] != forms[rival] for forms in found if best in forms and rival in forms
        )
        if counts[rival] >= RIVAL_SHARE * counts[best] and disagree:
            return None
    if best == "index1" and len(found) < MIN_FROM_ONE:
        return None
    return best
