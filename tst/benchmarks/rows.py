"""From source records to question rows, by column mapping and an optional reader."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tst.benchmarks.answers import READERS, decide_form, read_accepted
from tst.benchmarks.columns import Mapped, map_columns
from tst.benchmarks.limits import list_names
from tst.benchmarks.options import read_options, strip_letters
from tst.benchmarks.settings import AnswerForm, BenchmarkSettings, QuestionFormat
from tst.benchmarks.values import brief, is_blank, look_up, parse_number, plain_text
from tst.core.errors import UserError
from tst.core.questions import FORMATS, GROUP_PREFIX, find_problem

Record = Mapping[str, Any]
Row = dict[str, Any]

# what a format column may say, besides the names of the formats
FORMAT_NAMES = {
    "multiple-choice": "mc",
    "multiple choice": "mc",
    "multiple_choice": "mc",
    "mcq": "mc",
    "numeric": "num",
    "numerical": "num",
    "number": "num",
    "free": "open",
    "free-form": "open",
    "short-answer": "open",
} | {f: f for f in FORMATS}

# a type with this share of numbers, but not all, is neither clearly num nor clearly open
MOSTLY_NUMBERS = 0.9


def read_rows(
    settings: BenchmarkSettings,
    records: Sequence[Record],
    reader: Callable[[Any], Any] | None = None,
) -> list[Row]:
    """Rows for ``build_table``; unreadable ones are ``{"id", "problem"}``.

    Raises UserError for columns that the source does not have and for gold answers that can be
    read in more than one way.
    """
    given: list[list[Row]] = [read_given(reader, record) if reader else [{}] for record in records]
    if given and all("problem" in row for rows in given for row in rows):
        problem = next((row["problem"] for rows in given for row in rows), "it gave no rows")
        raise UserError(
            f"benchmark {settings.name}: benchmark.reader={settings.reader} can read none of the "
            f"{len(records)} records; the first: {problem}."
        )
    by_reader = {key for rows in given for row in rows for key in row}
    mapped = map_columns(settings, records, by_reader)
    rows = [
        _raw_row(mapped, record, fields)
        for record, many in zip(records, given, strict=True)
        for fields in many
    ]
    for row in rows:
        _read_row_options(row, settings.options_separator)
        if is_blank(row.get("question_type")) and not mapped.fields.get("question_type"):
            row.setdefault("question_type", settings.name)
    _strip_letters(rows)
    _name_formats(rows, settings)
    _read_answers(rows, settings)
    _name_rows(rows)
    _merge_rare_types(rows, settings.merge_types_under)
    return rows


def read_given(reader: Callable[[Any], Any], record: Record) -> list[Row]:
    """What the reader makes of a record; its failure is this row's problem."""
    try:
        rows = reader(record)
        return [dict(rows)] if isinstance(rows, Mapping) else [dict(r) for r in rows]
    except KeyError as error:
        return [{"problem": f"no column {error}; it has {list_names(list(record))}"}]
    except Exception as error:
        return [{"problem": f"the reader failed: {type(error).__name__}: {error!s:.200}"}]


def _raw_row(mapped: Mapped, record: Record, given: Row) -> Row:
    """A row of raw cells: the reader's fields, else the columns'."""
    row: Row = {}
    for key, column in mapped.fields.items():
        if isinstance(column, list):
            row[key] = [look_up(record, c) for c in column]
        else:
            row[key] = look_up(record, column)
    row["metadata"] = {n: plain_text(look_up(record, c)) for n, c in mapped.metadata.items()}
    for name, column in mapped.groups.items():
        row[GROUP_PREFIX + name] = plain_text(look_up(record, column))
    row.update(given)
    for key in ("question", "question_type"):
        if isinstance(row.get(key), Mapping | list | tuple):
            row.setdefault("problem", f"the {key} is no text but {brief(row[key])}")
        if key in row:
            row[key] = plain_text(row[key])
    return row


def _read_row_options(row: Row, separator: str | None) -> None:
    try:
        row["options"] = read_options(row.get("options"), separator)
    except (ValueError, TypeError) as error:
        row["options"] = None
        row.setdefault("problem", str(error))


def _strip_letters(rows: list[Row]) -> None:
    """Take the letters off where most rows have them: ``A. Lincoln`` alone is a name."""
    with_options = [row for row in rows if row["options"]]
    stripped = [strip_letters(row["options"]) for row in with_options]
    if sum(options is not None for options in stripped) * 2 > len(with_options):
        for row, options in zip(with_options, stripped, strict=True):
            row["options"] = options or row["options"]


def _name_formats(rows: list[Row], settings: BenchmarkSettings) -> None:
    """Give every row its format; see ``BenchmarkSettings.format``."""
    undecided: dict[str, list[Row]] = {}
    for row in rows:
        if not is_blank(row.get("format")):
            said = plain_text(row["format"])
            row["format"] = FORMAT_NAMES.get(said.lower(), said)
        elif settings.format is not QuestionFormat.auto:
            row["format"] = settings.format.value
        elif row["options"]:
            row["format"] = "mc"
        elif not row.get("problem"):
            undecided.setdefault(row.get("question_type", ""), []).append(row)
    for kind, same_type in undecided.items():
        answers = [row.get("answer") for row in same_type]
        gold = [answer for answer in answers if not is_blank(answer)]
        numbers = sum(parse_number(g) is not None for g in gold)
        if MOSTLY_NUMBERS * len(gold) <= numbers < len(gold):
            odd = next(g for g in gold if parse_number(g) is None)
            raise UserError(
                f"benchmark {settings.name}: {numbers} of the {len(gold)} gold answers of type "
                f"{kind!r} are numbers, but not all (e.g. {odd!r:.60}). Set benchmark.format=num "
                "(the others are left out) or benchmark.format=open (compared as texts)."
            )
        for row in same_type:
            row["format"] = "num" if gold and numbers == len(gold) else "open"
    for row in rows:
        if row.get("format") != "mc":
            row["options"] = None


def _read_answers(rows: list[Row], settings: BenchmarkSettings) -> None:
    """Turn raw gold into an option index, a number or accepted texts.

    What cannot be read stays as it is, and ``find_problem`` names it.
    """
    mc = [row for row in rows if row.get("format") == "mc" and row["options"]]
    mc = [row for row in mc if not row.get("problem")]
    form = settings.answer_as
    if form is AnswerForm.auto and mc:
        form = decide_form(
            settings.name, [row.get("answer") for row in mc], [row["options"] for row in mc]
        )
    for row in mc:
        index = READERS[form](row.get("answer"), row["options"])
        row["answer"] = plain_text(row.get("answer")) if index is None else index
    for row in rows:
        if row.get("format") == "num":
            number = parse_number(row.get("answer"))
            row["answer"] = row.get("answer") if number is None else number
        elif row.get("format") == "open":
            row["answer"] = read_accepted(row.get("answer"))


def _name_rows(rows: list[Row]) -> None:
    """Texts for ids; rows without one are named by a hash of their content, in any row order."""
    seen: Counter[str] = Counter()
    for row in rows:
        if not is_blank(row.get("id")):
            row["id"] = plain_text(row["id"])
            continue
        fields = {key: cell for key, cell in row.items() if key != "id"}
        content = json.dumps(fields, sort_keys=True, default=str)
        name = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        seen[name] += 1
        row["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"
    for row in rows:
        for key in row:
            # a row without a group shares nothing with the other rows without one
            if key.startswith(GROUP_PREFIX) and is_blank(row[key]):
                row[key] = f"only {row['id']}"


def _merge_rare_types(rows: list[Row], least: int) -> None:
    """Call types with fewer than ``least`` usable questions ``Other``."""
    usable = [row for row in rows if not row.get("problem") and not find_problem(row)]
    sizes = Counter(row["question_type"] for row in usable)
    for row in rows:
        if sizes[row.get("question_type", "")] < least:
            row["question_type"] = "Other"
