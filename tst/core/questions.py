"""The question table: one row per question, validated once on entry.

Columns (method.md, section 2):

==============  ======================================================================
id              str, unique; never model input
question_type   str; scores are reported per type
format          ``mc``, ``num`` or ``open``
question        str, the text alone (no options, no letters)
options         mc: list of 2 to 26 plain texts in source order; else None
answer          mc: 0-based option index (int); num: float; open: list of accepted str
group_<name>    str, what questions share (a scene, a video); never model input
metadata        dict of str to str, the text-side columns admitted as model input
context         dict of str to str, from which part of the set a question is; model input with
                ``features.context=siblings`` alone; only where the benchmark names such columns
planted, cue    only where the truth is known (the planted benchmark); never model input
answer_unit     str, of a number's gold, empty without one; only where some gold has a unit
copies          str, the set of circular copies that a question belongs to, empty for none; folds
                keep a set together; only where there are copies; never model input
==============  ======================================================================
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tst.core.errors import UserError, brief
from tst.core.understanding import Understanding

FORMATS = ("mc", "num", "open")
BASE_COLUMNS = ("id", "question_type", "format", "question", "options", "answer", "metadata")
TRUTH_COLUMNS = ("planted", "cue")
GROUP_PREFIX = "group_"
ANSWER_UNIT, COPIES, CONTEXT = "answer_unit", "copies", "context"
MAX_OPTIONS = 26
MAX_NUMBER = 1e100
MAX_TYPES = 500
MAX_REASON = 300


@dataclass(frozen=True)
class LeftOut:
    """One source row that is not in the table, and why.

    row: its number as an editor shows it: the line of a text file, the row of a sheet
    place: the same in words, with the file where there are several
    position: 0-based, among the rows that the table was built from
    """

    row: int
    id: str
    reason: str
    place: str = ""
    position: int = -1


@dataclass
class SourceTable:
    """The good rows of one source, as a frame with a RangeIndex, and how they were read.

    rows_read: rows of the source, good and bad; left_out: the bad ones, with reasons
    source, revision: path or address, and the commit where there is one
    """

    name: str
    frame: pd.DataFrame
    rows_read: int
    left_out: list[LeftOut] = field(default_factory=list)
    source: str = ""
    revision: str = ""


@dataclass
class QuestionTable(SourceTable):
    """The questions of one benchmark: ``frame`` has the columns of this module's docstring.

    understanding: how the source was read; None for generated questions
    """

    understanding: Understanding | None = None

    @property
    def groups(self) -> list[str]:
        """Names of the declared groupings, without the prefix, in declared order."""
        return declared_groups(self.frame)

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the questions' content; the same in any row order."""
        return fingerprint(self.frame)


def declared_groups(frame: pd.DataFrame) -> list[str]:
    """Names of a frame's groupings, without the prefix, in declared order."""
    names = (str(c) for c in frame)
    return [c.removeprefix(GROUP_PREFIX) for c in names if c.startswith(GROUP_PREFIX)]


def coarsest_column(frame: pd.DataFrame, columns: Sequence[str]) -> str | None:
    """Of the group columns with two groups or more the one with the fewest; None without any."""
    sizes = {column: frame[column].nunique() for column in columns}
    usable = [column for column, groups in sizes.items() if groups >= 2]
    return min(usable, key=sizes.__getitem__, default=None)


def content_keys(frame: pd.DataFrame, with_answer: bool = True) -> list[str]:
    """A hex digest per row, over everything in it, in table order; the same in any row order."""
    names = [str(c) for c in frame]
    columns = [c for c in names if c in (*BASE_COLUMNS, COPIES) or c.startswith(GROUP_PREFIX)]
    records = frame[[c for c in columns if with_answer or c != "answer"]].to_dict("records")
    return [_digest(json.dumps(r, sort_keys=True, default=str)) for r in records]


def fingerprint(frame: pd.DataFrame) -> str:
    """16 hex digits over the content of all rows, whatever their order."""
    return _digest("\n".join(sorted(content_keys(frame))))[:16]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def build_table(
    name: str,
    rows: Iterable[Mapping[str, Any]],
    *,
    strict: bool = False,
    source: str = "",
    revision: str = "",
    place: Callable[[int], tuple[int, str]] | None = None,
    check: Callable[[list[LeftOut], int], None] | None = None,
) -> QuestionTable:
    """Validate rows (dicts with this module's columns) into a table; bad rows are left out.

    A row that could not even be read may be passed as ``{"id": ..., "problem": "why"}``.
    place: an editor's number of the row at a position, and where that is in words
    check: is given what is left out and the number of rows, and raises where that is too much
    Raises UserError naming every problem when ``strict``, and when no row is good.
    """
    good: list[dict[str, Any]] = []
    left_out: list[LeftOut] = []
    seen: set[str] = set()
    count = 0
    for position, row in enumerate(rows):
        count += 1
        row_id = str(row.get("id", f"row{position}"))
        duplicate = "duplicate id" if row_id in seen else ""
        reason = row.get("problem") or find_problem(row) or duplicate
        if reason:
            number, where = place(position) if place else (position, f"row {position}")
            left_out.append(
                LeftOut(number, row_id[:MAX_REASON], str(reason)[:MAX_REASON], where, position)
            )
            continue
        seen.add(row_id)
        fields = {key: value for key, value in row.items() if key != "problem"}
        good.append({**fields, "id": row_id})
    table_of_problems = "\n".join(f"  {b.place} (id {b.id}): {b.reason}" for b in left_out[:50])
    more = f"\n  ... and {len(left_out) - 50} more" if len(left_out) > 50 else ""
    if left_out and strict:
        raise UserError(
            f"benchmark {name}: {len(left_out)} of {count} rows are bad, and "
            f"benchmark.strict=true:\n{table_of_problems}{more}\n"
            "Mend them, or set benchmark.strict=false to leave them out."
        )
    if check is not None:
        check(left_out, count)
    if not good:
        raise UserError(
            f"benchmark {name}: none of the {count} rows read from {source or 'the source'} is a "
            f"usable question:\n{table_of_problems}{more}\nCheck benchmark.columns and the file."
        )
    types = len({row["question_type"] for row in good})
    if types > MAX_TYPES:
        raise UserError(
            f"benchmark {name}: {types} question types over {len(good)} questions; expected at "
            f"most {MAX_TYPES}. Check benchmark.columns.question_type (empty: one type), or set "
            "benchmark.merge_types_under=10 to call the rare ones Other."
        )
    return QuestionTable(name, _frame(good), count, left_out, source, revision)


def _frame(good: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows that are sound, as columns of objects in the order of BASE_COLUMNS."""
    frame = pd.DataFrame(good)
    for column in ("id", "question_type", "format", "question"):
        frame[column] = frame[column].astype(object)
    for group in declared_groups(frame):
        column = GROUP_PREFIX + group
        frame[column] = frame[column].map(str).astype(object)
    frame["options"] = pd.Series([r.get("options") for r in good], dtype=object)
    frame["answer"] = pd.Series([r["answer"] for r in good], dtype=object)
    frame["metadata"] = pd.Series([dict(r.get("metadata") or {}) for r in good], dtype=object)
    if CONTEXT in frame:
        frame[CONTEXT] = pd.Series([dict(r.get(CONTEXT) or {}) for r in good], dtype=object)
    order = [c for c in BASE_COLUMNS if c in frame]
    return frame[order + [c for c in frame if c not in order]]


def find_problem(row: Mapping[str, Any]) -> str:
    """Why this row is not a usable question, in a few words; empty when it is one."""
    if not str(row.get("question") or "").strip():
        return "empty question"
    if not str(row.get("question_type") or "").strip():
        return "empty question type"
    kind, answer, options = row.get("format"), row.get("answer"), row.get("options")
    if kind == "mc":
        if options is None or len(options) < 2:
            return f"fewer than 2 options ({0 if options is None else len(options)})"
        if len(options) > MAX_OPTIONS:
            return f"more than {MAX_OPTIONS} options ({len(options)})"
        if not all(isinstance(o, str) for o in options):
            return "an option that is not text"
        if not isinstance(answer, int) or isinstance(answer, bool):
            return f"gold answer {brief(answer)} names no option"
        if not 0 <= answer < len(options):
            return f"gold answer is option {answer + 1} of {len(options)}"
    elif kind == "num":
        if answer is None or answer == "":
            return "no gold number"
        if not isinstance(answer, float) or not math.isfinite(answer):
            return f"non-numeric gold {brief(answer)}"
        if abs(answer) > MAX_NUMBER:
            return f"gold number {answer} is larger than {MAX_NUMBER:g}"
    elif kind == "open":
        if not answer or not all(isinstance(a, str) and a.strip() for a in answer):
            return "no gold text"
    else:
        return f"unknown format {brief(kind, 40)}; expected one of {', '.join(FORMATS)}"
    return ""
