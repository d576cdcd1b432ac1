"""The format of each row: rows with options are mc, the others mc, num or open by their gold."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tst.benchmarks.column_names import plain_name
from tst.benchmarks.settings import QuestionFormat
from tst.benchmarks.understanding.answers import ContradictionError, gold_cell
from tst.benchmarks.understanding.numbers import Number, parse_number_cell
from tst.benchmarks.understanding.row import YES_NO, Row
from tst.benchmarks.understanding.yes_no import choose_pair, is_polar, polar_word
from tst.benchmarks.values import brief, is_blank, plain_text
from tst.core.questions import FORMATS

YES_OR_NO, BY_GOLD = "yes or no", "by its gold"

_NAMES = {
    "mc": (
        "mc", "mcq", "mcqa", "multiple_choice", "multiple_choices", "multi_choice", "multichoice",
        "multiple_choice_question", "multiple_choice_single_answer", "single_choice", "choice",
        "choices", "closed_choice", "选择", "选择题", "单选", "单选题",
    ),
    YES_OR_NO: (
        "yes_no", "yes_or_no", "yn", "y/n", "binary", "boolean", "bool", "true_false",
        "true_or_false", "tf", "t/f", "judgement", "judgment", "判断", "判断题", "是非题",
    ),
    "num": (
        "num", "numeric", "numerical", "number", "numeric_answer", "integer", "int", "float",
        "regression",
    ),
    "open": ("open",),
    BY_GOLD: (
        "free", "free_form", "free_form_answer", "free_text", "free_response", "open_ended",
        "open_question", "short_answer", "short", "direct_answer", "fill_in", "fill_in_the_blank",
        "fill_in_blank", "填空", "填空题", "简答", "简答题", "问答", "问答题", "开放题",
    ),
}  # fmt: skip
FORMAT_NAMES = {plain_name(name): kind for kind, names in _NAMES.items() for name in names}
"""What a format column may say. A name for "no options" leaves num or open to the gold."""

# this share of a type's gold decides that it is num; the rest is left out
NUMBER_SHARE = 2 / 3

_LETTER = re.compile(r"[(\[]?[A-Za-z][).:\]]?")


def read_format_name(cell: Any) -> str | None:
    """What a cell of a format column means: mc, num, open, ``YES_OR_NO``, ``BY_GOLD`` or None."""
    return FORMAT_NAMES.get(plain_name(plain_text(cell)))


def is_letter(answer: Any) -> bool:
    """Whether a gold cell is a single letter, perhaps in brackets."""
    return isinstance(answer, str) and _LETTER.fullmatch(answer.strip()) is not None


def name_formats(rows: Sequence[Row], wanted: QuestionFormat) -> list[Row]:
    """Give every row its format; see ``BenchmarkSettings.format``. The rows that are ``num``.

    A row without options whose gold is a letter is left out where others of its type have options.
    """
    undecided: dict[str, list[Row]] = defaultdict(list)
    with_options = {row.question_type for row in rows if row.options}
    for row in rows:
        if row.problem:
            continue
        said = None if is_blank(row.format) else plain_text(row.format)
        kind = None if said is None else read_format_name(said)
        if said is not None and kind is None:
            row.format = said
        elif kind in ("num", "open"):
            row.format, row.options = kind, None
        elif row.options:
            row.format = "mc"
        elif kind == "mc" or (kind is None and wanted is QuestionFormat.mc):
            row.format = "mc"
            _offer_yes_or_no([row])
        elif kind is None and wanted is not QuestionFormat.auto:
            row.format = wanted.value
        elif kind == YES_OR_NO:
            row.format = "mc"
            _offer_yes_or_no([row])
        else:
            undecided[row.question_type].append(row)
    for kind_name, same_type in undecided.items():
        _decide_type(same_type, kind_name in with_options)
    return [row for row in rows if row.format == "num" and not row.problem]


def _decide_type(rows: list[Row], others_have_options: bool) -> None:
    """Formats of the rows of one type that have no options and of which nothing is said."""
    if others_have_options:
        for row in rows:
            if is_letter(row.answer):
                row.format = "mc"
                row.problem = f"mc row without options: the gold is the letter {row.answer.strip()}"
        rows = [row for row in rows if not row.problem]
    golds = [(row, _gold_of(row.answer)) for row in rows]
    rest = _take_yes_or_no([(row, gold) for row, gold in golds if not is_blank(gold)])
    numbers = {id(row): parse_number_cell(gold) for row, gold in rest}
    words = Counter(n.unit for n in numbers.values() if n is not None and not n.known)
    word, count = words.most_common(1)[0] if words else ("", 0)
    # "5 apples" is a number where all of a type are apples; "2 dogs" beside "3 cats" are texts
    counted_word = word if rest and count >= NUMBER_SHARE * len(rest) else ""
    is_number = {
        key: n is not None and (n.known or n.unit == counted_word) for key, n in numbers.items()
    }
    as_numbers = sum(is_number.values()) >= NUMBER_SHARE * len(rest) and len(rest) > 0
    in_rest = {id(row) for row, _ in rest}
    for row, gold in golds:
        if row.format == "mc" and row.options:
            continue
        row.format = "num" if as_numbers else "open"
        if not as_numbers or id(row) not in in_rest:
            continue
        row.answer = gold
        if not is_number[id(row)]:
            row.problem = (
                f"the gold {brief(gold)} is no number, as {sum(is_number.values())} of "
                f"{len(rest)} of its type are"
            )


def _gold_of(cell: Any) -> Any:
    """A gold cell without the list around a single answer."""
    try:
        return gold_cell(cell)
    except ContradictionError:
        return cell


def _take_yes_or_no(golds: list[tuple[Row, Any]]) -> list[tuple[Row, Any]]:
    """Make those mc whose gold is yes or no, where that is what is asked; the others.

    It is asked where no other row of the type has a text as gold, where half of the type is
    answered so, and else where the question's words say so.
    """
    said = [(row, gold, polar_word(gold)) for row, gold in golds]
    words = [word for _, _, word in said if word]
    pair = choose_pair(words)
    if pair is None:
        return golds
    others = [gold for _, gold, word in said if not word]
    texts = sum(parse_number_cell(gold) is None for gold in others)
    whole_type = not others or (len(set(words)) == 2 and (not texts or len(words) >= len(others)))
    if not whole_type and len(set(words)) < 2:
        return golds
    rest = []
    for row, gold, word in said:
        if word and (whole_type or is_polar(row.question)):
            row.answer = word
            _give_options(row, pair)
        else:
            rest.append((row, gold))
    return rest


def _offer_yes_or_no(rows: Sequence[Row]) -> None:
    """Options for mc rows without any whose gold is yes or no."""
    for row in rows:
        word = polar_word(_gold_of(row.answer))
        pair = choose_pair([word]) if word else None
        if pair:
            row.answer = word
            _give_options(row, pair)


def _give_options(row: Row, pair: tuple[str, str]) -> None:
    row.format, row.options, row.options_from = "mc", list(pair), YES_NO


def read_numbers(rows: Sequence[Row], parsed: Sequence[Number | None], decimal: str) -> None:
    """Turn the gold of numeric rows into numbers and units; what is none stays as it is.

    A unit that is not the one of the row's type is a problem: nothing is converted.
    """
    units: dict[str, Counter[str]] = defaultdict(Counter)
    for row, number in zip(rows, parsed, strict=True):
        if number is None or (value := number.read(decimal)) is None:
            continue
        row.answer, row.unit = value, number.unit
        row.form = "number"
        units[row.question_type][number.unit] += 1
    for row in rows:
        named = [(n, unit) for unit, n in units[row.question_type].items() if unit]
        unit = max(named)[1] if named else ""
        if row.unit and row.unit != unit:
            row.problem = f"its unit is {row.unit}, and that of its type is {unit}"
        elif not row.unit and unit == "%" and _may_be_share(row.answer):
            row.problem = "a number up to 1 among percentages: it may be a share"
        elif isinstance(row.answer, float):
            row.unit = unit


def _may_be_share(answer: Any) -> bool:
    return isinstance(answer, float) and 0 < abs(answer) <= 1


assert set(_NAMES) >= set(FORMATS)
