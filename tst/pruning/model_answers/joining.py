"""Joins predictions to questions by declared key columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from tst.benchmarks.files import Record
from tst.benchmarks.marks import LETTERS
from tst.benchmarks.values import is_blank, plain_text
from tst.core.errors import UserError, brief
from tst.pruning.model_answers.files import answer_text, cell_of, key_text
from tst.pruning.model_answers.final_answer import fold

MIN_HINT = 0.9
Key = tuple[str, ...]


def join_predictions(
    name: str,
    records: Sequence[Record],
    source: Sequence[Record],
    frame: pd.DataFrame,
    keys: Sequence[tuple[str, str]],
    question_column: str,
    answer: str,
) -> dict[int, Record]:
    """Table position -> the prediction row that answers it.

    keys: (column of the file, column of the source) pairs; source: one record per question
    answer: the column of the file with the answer; of rows with one key and equal answers the first
        counts
    Raises one UserError for a missing column, rows with one key and different answers, a key that
    occurs twice in the benchmark, no key in common, and questions or options that disagree.
    """
    _require_columns(name, records, source, keys)
    wanted = [tuple(key_text(cell_of(r, column)) for column, _ in keys) for r in records]
    known = [tuple(key_text(cell_of(r, column)) for _, column in keys) for r in source]
    shown = ", ".join(a if a == b else f"{a}: {b}" for a, b in keys)
    records, wanted = _one_per_key(name, records, wanted, answer, shown)
    position = {key: row for row, key in enumerate(known)}
    matched = [key for key in wanted if key in position]
    found = set(matched)
    _refuse_repeated_questions(name, [key for key in known if key in found], shown)
    if not matched:
        raise UserError(
            f"{name}: none of its {len(records)} rows has the key ({shown}) of a question, e.g. "
            f"{' | '.join(wanted[0])} against {' | '.join(known[0])}."
            + find_hint(records, source, [b for _, b in keys])
        )
    joined = {
        position[key]: record
        for key, record in zip(wanted, records, strict=True)
        if key in position
    }
    _refuse_disagreement(name, joined, source, frame, question_column, shown)
    return joined


def resolve_keys(key: Any, id_column: str) -> list[tuple[str, str]]:
    """``predictions.key`` as (file's column, source's column) pairs; null: the benchmark's id."""
    if key is None:
        return [(id_column, id_column)]
    if isinstance(key, Mapping):
        return [(str(a), str(b)) for a, b in key.items()]
    columns = [key] if isinstance(key, str) else key
    if not isinstance(columns, Sequence) or not columns:
        raise UserError(
            f"predictions.key={key}: expected column names ([split, idx]), or the file's column to "
            "the source's ({image_path: filename})."
        )
    return [(str(column), str(column)) for column in columns]


def find_hint(
    records: Sequence[Record], source: Sequence[Record], tried: Sequence[str] = ()
) -> str:
    """A setting to try: a pair of columns with unique values of which nearly all are shared."""
    names = list(dict.fromkeys(k for r in source[:1] for k in r if k not in tried))
    held = {column: [key_text(cell_of(r, column)) for r in source] for column in names}
    held = {c: cells for c, cells in held.items() if len(set(cells)) == len(cells)}
    for column in records[0]:
        cells = [key_text(record.get(column)) for record in records]
        if len(set(cells)) < len(cells):
            continue
        for other, values in held.items():
            if len(set(cells) & set(values)) >= MIN_HINT * len(cells):
                return f" Try 'predictions.key={{{column}: {other}}}'."
    return ""


def _require_columns(
    name: str,
    records: Sequence[Record],
    source: Sequence[Record],
    keys: Sequence[tuple[str, str]],
) -> None:
    for side, rows, columns in (
        ("predictions", records, [a for a, _ in keys]),
        ("benchmark's rows", source, [b for _, b in keys]),
    ):
        for column in columns:
            blank = sum(is_blank(cell_of(row, column)) for row in rows)
            if blank:
                names = ", ".join(dict.fromkeys(k for r in rows[:100] for k in r))
                raise UserError(
                    f"{name}: {blank} of the {len(rows)} {side} have an empty {column}, which "
                    f"joins them; set predictions.key (columns: {names})."
                    + find_hint(records, source)
                )


def _one_per_key(
    name: str, records: Sequence[Record], keys: Sequence[Key], answer: str, shown: str
) -> tuple[list[Record], list[Key]]:
    """One row per key: the first of rows with equal answers. Raises UserError where they differ."""
    first: dict[Key, Record] = {}
    differ: list[Key] = []
    for key, record in zip(keys, records, strict=True):
        known = first.setdefault(key, record)
        if answer_text(known.get(answer)) != answer_text(record.get(answer)):
            differ.append(key)
    if differ:
        example = f"{len(set(differ))} keys occur more than once among the rows of the predictions "
        filters = sorted(
            {plain_text(r["filter"]) for r in records if not is_blank(r.get("filter"))}
        )
        fix = (
            f"Choose one with predictions.filter={filters[0]} (there are {', '.join(filters)})."
            if filters
            else "Add a column to predictions.key, join on another, or name the rows that count "
            "with 'predictions.filter={COLUMN: VALUE}'."
        )
        raise UserError(
            f"{name}: the join on ({shown}) is ambiguous: {example}with different answers, e.g. "
            f"{' | '.join(differ[0])}. {fix}"
        )
    return list(first.values()), list(first)


def _refuse_repeated_questions(name: str, keys: Sequence[Key], shown: str) -> None:
    repeated = [key for key, count in Counter(keys).items() if count > 1]
    if repeated:
        raise UserError(
            f"{name}: the join on ({shown}) is ambiguous: {len(repeated)} keys occur more than "
            f"once among the questions, e.g. {' | '.join(repeated[0])}. Add a column to "
            "predictions.key, or join on another."
        )


def _refuse_disagreement(
    name: str,
    joined: Mapping[int, Record],
    source: Sequence[Record],
    frame: pd.DataFrame,
    question_column: str,
    shown: str,
) -> None:
    """Raises UserError where a joined row has another question text or other options."""
    questions, options = frame["question"].to_numpy(), frame["options"].to_numpy()
    for row, record in joined.items():
        said = cell_of(record, question_column)
        raw = cell_of(source[row], question_column)
        if not is_blank(said) and not any(
            _agree(plain_text(said), plain_text(text)) for text in (questions[row], raw)
        ):
            raise UserError(
                f"{name}: joined on ({shown}), question {frame['id'].iloc[row]} does not agree: "
                f"the predictions say {brief(plain_text(said), 120)}, the benchmark "
                f"{brief(questions[row], 120)}. Join on other columns with predictions.key."
            )
        given = [plain_text(record[x]) for x in LETTERS if not is_blank(record.get(x))]
        if given and options[row] is not None and not _same_options(given, options[row]):
            raise UserError(
                f"{name}: joined on ({shown}), question {frame['id'].iloc[row]} has other options: "
                f"the predictions {given}, the benchmark {list(options[row])}."
            )


def _agree(said: str, text: str) -> bool:
    """Equal but for case, punctuation and space, or one contains the other (with its options)."""
    a, b = fold(said), fold(text)
    return a == b or bool(a and b and (f" {a} " in f" {b} " or f" {b} " in f" {a} "))


def _same_options(given: Sequence[str], options: Sequence[str]) -> bool:
    return [fold(key_text(o)) or o for o in given] == [fold(key_text(o)) or o for o in options]
