"""Gold answers of multiple-choice questions: how each is written, and which option it is.

A cell is read in every way that fits. Where the ways agree the row is understood; where they do
not, the other rows with the same question type, kind of options and kind of cell decide, first
those with the very same options. What they leave open is ambiguous, and the row is left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from tst.benchmarks.lettered import LETTERS
from tst.benchmarks.options import LABEL_KEYS, TEXT_KEYS
from tst.benchmarks.settings import AnswerForm
from tst.benchmarks.understanding.row import Row
from tst.benchmarks.understanding.yes_no import find_polarity
from tst.benchmarks.values import brief, is_blank, parse_list, parse_number, plain_text

# another form that reads this share of what the best one reads is a rival
RIVAL_SHARE = 0.9
# fewer answers than this do not show that counting starts at 1
MIN_FROM_ONE = 20

LETTER, INTEGER, TEXT = "letter", "integer", "text"

_PLACES = {"index", "index1"}
_LETTER = re.compile(r"[(\[（]?\s*([A-Za-z])\s*[).:\]、）]?")
_INDEX = re.compile(r"(\d{1,3})(\.0+)?")
_LETTERED_TEXT = re.compile(r"[(\[]?\s*([A-Za-z])\s*[).:\]、]\s*(\S.*)", re.DOTALL)
_SAID_BEFORE = re.compile(r"(?:option|choice|answer|选项|答案)\s*[_:：]?\s*", re.IGNORECASE)
_SEVERAL = re.compile(r"[A-Z](?:\s*(?:,|;|/|&|、|and|\+)?\s*[A-Z])+")


def read_letter(answer: Any, options: Sequence[str]) -> int | None:
    """0-based index of ``B``, ``b``, ``(B)``, ``B.`` or ``B)``; may lie beyond the options."""
    match = _LETTER.fullmatch(_plain_gold(answer))
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
    """Index of the one option with this text, None for none or several.

    Case, spacing and a last full stop do not count, nor does the letter before a text.
    """
    wanted = plain_text(answer)
    if wanted in options:
        return options.index(wanted) if list(options).count(wanted) == 1 else None
    folded = [_fold(o) for o in options]
    for text in (wanted, re.sub(r"^\(?[A-Z][.):]\s+", "", wanted)):
        if folded.count(_fold(text)) == 1:
            return folded.index(_fold(text))
    number = parse_number(answer)
    if number is not None:
        equal = [i for i, option in enumerate(options) if parse_number(option) == number]
        return equal[0] if len(equal) == 1 else None
    return None


def _fold(text: str) -> str:
    folded = " ".join(text.split()).casefold()
    return folded.rstrip(".") or folded


def _plain_gold(answer: Any) -> str:
    """A gold cell as text, full-width letters and brackets as plain ones."""
    text = plain_text(answer)
    return text if text.isascii() or len(text) > 8 else unicodedata.normalize("NFKC", text)


READERS: dict[AnswerForm, Callable[[Any, Sequence[str]], int | None]] = {
    AnswerForm.letter: read_letter,
    AnswerForm.index: read_index,
    AnswerForm.index1: read_index_from_one,
    AnswerForm.text: read_text,
}


class ContradictionError(ValueError):
    """A gold cell that says two things."""


def gold_cell(cell: Any) -> Any:
    """The one value of a gold cell: a list of one, and an object's label or text, are unwrapped.

    Raises ContradictionError for a list of several.
    """
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        cell = parse_list(cell) or cell
    if isinstance(cell, Mapping):
        names = {str(key).lower(): key for key in cell}
        label = next((cell[names[k]] for k in LABEL_KEYS if k in names), None)
        text = next((cell[names[k]] for k in TEXT_KEYS if k in names), None)
        if label is not None and text is not None and _LETTER.fullmatch(plain_text(label)):
            return f"{plain_text(label)}. {plain_text(text)}"
        return (
            gold_cell(text if label is None else label) if (label, text) != (None, None) else cell
        )
    if isinstance(cell, Iterable) and not isinstance(cell, str | bytes):
        items = [item for item in cell if not is_blank(item)]
        if len({plain_text(item) for item in items if not isinstance(item, Mapping)}) == 1:
            return items[0]
        if len(items) == 1:
            return gold_cell(items[0])
        if len(items) > 1:
            raise ContradictionError(f"the gold {brief(items)} names several options")
    return cell


def readings(
    answer: Any, options: Sequence[str], labels: Sequence[str] | None = None
) -> tuple[str, dict[str, int]]:
    """The kind of a gold cell, and the option that it is by each form that fits.

    Raises ContradictionError for a letter and a text that are of different options.
    """
    text = _plain_gold(answer)
    count = len(options)
    found: dict[str, int] = {}
    # a letter is rarely an option itself, and folding every option takes time
    short = len(text) == 1 and text.isalpha() and min(map(len, options), default=0) > 2
    exact = None if short else read_text(answer, options)
    if exact is None and (said := _SAID_BEFORE.match(text)):
        rest = text[said.end() :]
        if _LETTER.fullmatch(rest) or _INDEX.fullmatch(rest):
            answer = text = rest
    if labels is not None and (key := _find_label(text, labels)) is not None:
        found["key"] = key
    if letter := _LETTER.fullmatch(text):
        kind, index = LETTER, LETTERS.index(letter[1].upper())
        if index < count and "key" not in found:
            found["letter"] = index
    elif (position := read_index(answer, options)) is not None:
        kind = INTEGER
        if "key" not in found:
            found |= {
                form: index
                for form, index in (("index", position), ("index1", position - 1))
                if 0 <= index < count
            }
    else:
        kind = TEXT
        if match := _LETTERED_TEXT.fullmatch(text):
            exact = _read_lettered_text(text, match, options, labels)
    if exact is not None:
        found["text"] = exact
    if (polarity := find_polarity(text, options)) is not None and exact is None:
        found["yes/no"] = polarity
    if kind == TEXT and not found and _names_several(text, options):
        raise ContradictionError(f"the gold {text!r:.60} names several options")
    return kind, found


def _find_label(text: str, labels: Sequence[str]) -> int | None:
    if text in labels:
        return labels.index(text)
    match = _LETTER.fullmatch(text)
    letter = match[1] if match else re.sub(r"\.0+$", "", text)
    folded = [label.strip("().: ").casefold() for label in labels]
    return folded.index(letter.casefold()) if folded.count(letter.casefold()) == 1 else None


def _read_lettered_text(
    text: str, match: re.Match[str], options: Sequence[str], labels: Sequence[str] | None
) -> int | None:
    """The option of ``B. tin``, whose letter and text must agree."""
    whole = [_fold(o) for o in options]
    if whole.count(_fold(text)) == 1:
        return whole.index(_fold(text))  # "A. Lincoln" is a name
    letter, rest = match[1].upper(), _fold(match[2])
    index = LETTERS.index(letter)
    if labels is not None and (key := _find_label(letter, labels)) is not None:
        index = key
    if index < len(options) and whole[index] == rest:
        return index
    if rest in whole or index < len(options):
        said = (
            f"option {letter} is {options[index]!r:.40}"
            if index < len(options)
            else (f"there are {len(options)} options")
        )
        raise ContradictionError(f"the gold {text!r:.60} contradicts itself: {said}")
    return None


def _names_several(text: str, options: Sequence[str]) -> bool:
    """Whether a text is two or more letters of options, as ``A, C`` or ``AC``."""
    if not _SEVERAL.fullmatch(text):
        return False
    letters = re.findall(r"[A-Z]", text)
    return letters == sorted(set(letters)) and letters[-1] <= LETTERS[len(options) - 1]


def read_gold(rows: Sequence[Row], form: AnswerForm) -> None:
    """Turn the gold of multiple-choice rows into option indices, and say in which form it was.

    form: how all of it is written; auto: by the evidence of the rows. What cannot be read stays as
    it is, and ``find_problem`` names it.
    """
    unclear: list[tuple[Row, str, dict[str, int]]] = []
    clear: list[tuple[Row, str, dict[str, int]]] = []
    for row in rows:
        assert row.options is not None
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
        counted = kind == INTEGER and bool(found.keys() & _PLACES)
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
    if form is AnswerForm.letter:
        _, found = readings(row.answer, row.options, row.labels)
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
    elif len(set(found.values())) == 1 and not (kind == INTEGER and found.keys() <= _PLACES):
        row.form, index = next(iter(found.items()))
    elif found:
        ways = ", ".join(f"{form} (option {i + 1})" for form, i in found.items())
        row.problem = (
            f"the gold {plain_text(row.answer)!r:.40} is not clear: {ways}; "
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
    return tuple(sorted(_fold(o) for o in row.options or []))


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
