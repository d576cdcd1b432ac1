"""The format of each row: rows with options are mc, the others mc, num or open by their gold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tst.benchmarks.column_names import plain_name
from tst.benchmarks.settings import QuestionFormat
from tst.benchmarks.understanding.row import Row
from tst.benchmarks.understanding.without_options import decide_type, offer_yes_or_no
from tst.benchmarks.values import is_blank, plain_text

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


def read_format_name(cell: Any) -> str | None:
    """What a cell of a format column means: mc, num, open, ``YES_OR_NO``, ``BY_GOLD`` or None."""
    return FORMAT_NAMES.get(plain_name(plain_text(cell)))


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
        elif kind in ("mc", YES_OR_NO) or (kind is None and wanted is QuestionFormat.mc):
            row.format = "mc"
            offer_yes_or_no(row)
        elif kind is None and wanted is not QuestionFormat.auto:
            row.format = wanted.value
        else:
            undecided[row.question_type].append(row)
    for kind_name, same_type in undecided.items():
        decide_type(same_type, kind_name in with_options)
    return [row for row in rows if row.format == "num" and not row.problem]
