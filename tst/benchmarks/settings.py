"""What a benchmark is made of: the typed form of a YAML in ``conf/benchmark``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

PLANTED = "planted"
"""The name of the benchmark whose questions are generated."""


class AnswerForm(Enum):
    """How the gold answer of a multiple-choice question is written."""

    auto = "auto"
    letter = "letter"
    index = "index"
    index1 = "index1"
    text = "text"


class QuestionFormat(Enum):
    """Which format the questions of a benchmark have."""

    auto = "auto"
    mc = "mc"
    num = "num"
    open = "open"


@dataclass
class HubSettings:
    """Where a benchmark lies on the Hugging Face hub.

    repo: ``owner/name`` of the dataset; empty: this benchmark is not on the hub
    revision: commit hash (recommended), branch or tag
    split, config: fill the placeholders ``{split}`` and ``{config}`` of ``files``
    files: glob patterns within the repository; the first pattern that matches any file is read,
        all of its files in the order of their names
    """

    repo: str = ""
    revision: str = "main"
    split: str = "test"
    config: str = "default"
    files: list[str] = field(
        default_factory=lambda: [
            "{config}/{split}-*.parquet",
            "data/{split}-*.parquet",
            "{split}*.parquet",
            "{split}.jsonl",
            "{split}.json",
            "{split}.csv",
        ]
    )


@dataclass
class ColumnSettings:
    """Which source column holds what; ``a.b`` reaches into a nested column.

    A name may leave out case, spaces and punctuation where only one column is then meant. A field
    left at null is the column with a name of ``column_names.SYNONYMS``, where the source has one;
    an empty string (for groups, metadata and context also ``{}``) means that there is none.

    id: unique name of a question; none: a hash of the row's content
    question: the question's text (required)
    question_type: scores are reported per type; none: one type, named after the benchmark
    options: one column (a list of texts or objects, an object, the text of a JSON or Python list,
        lettered text, or text with ``options_separator``) or a list of columns, one per option
        (trailing blanks: fewer options)
    answer: the gold answer (required)
    format: a column that says mc, num or open row by row, in these words or those of other tools
    groups: group name to column, or list of columns: questions that share a value share a scene,
        a video, an image; the first is the one that ``fold=grouped5`` keeps whole;
        ``COLUMN~PATTERN``: the part of a cell that this regular expression finds; null: the
        columns of ``column_names.GROUP_NAMES`` and ``MEDIA_NAMES`` whose values recur
    metadata: name to column, or list of columns: text-side columns admitted as model input
    context: the same for columns that say from which part of the set a row is (VSI-Bench's
        ``dataset``): read with ``features.context=siblings`` alone
    """

    id: str | None = None
    question: str | None = None
    question_type: str | None = None
    options: Any = None
    answer: str | None = None
    format: str | None = None
    groups: Any = None
    metadata: Any = None
    context: Any = None


@dataclass
class AnswerFileSettings:
    """Gold answers that stand in files of their own.

    path: the file, or a list of files and patterns, as ``BenchmarkSettings.path``
    key: the column that joins them to the questions, named alike in both, or the questions' column
        to theirs (``{qid: question_id}``); null: the id-like column that both have
    """

    path: Any = None
    key: Any = None


@dataclass
class BenchmarkSettings:
    """One benchmark: where its rows are and how they read.

    name: its name in tables, and its folder in ``data_root``; ``table``: named after the file
    path: a local file to read instead of anything else, or a list of files and glob patterns
    sheet: which sheet of a workbook (name, or number from 1), or which key of a JSON object
    local: file name or glob pattern within ``data_root/<name>/``
    hub: where it is on the hub, read when there is no local file
    reader: dotted path of a function that takes a source record (a dict) and returns the fields
        which columns alone do not say (keys of ``ColumnSettings``, ``group_<name>``, ``metadata``
        as a dict, or ``problem``: why the row cannot be read), or a list of such dicts when a
        record holds several questions; what it leaves out comes from ``columns``
    columns: which source column holds what
    answers: gold answers in files of their own
    format: what rows without options are: mc, num or open; auto: mc where the gold is yes or no or
        the question's text holds options, num for the types whose gold is at least two thirds
        numbers (the others are left out), else open
    options: the same options for all rows without any whose gold is one of them (``[yes, no]``)
    answer_as: how multiple-choice gold is written: letter (``B``, ``(b)``, ``B.``), index (from
        0), index1 (from 1), text (of the option); auto: decided for each question type and set of
        options
    decimal: point or comma; null: decided by all of the column's numbers, or refused
    options_separator: what stands between the options where they are one plain text
    merge_types_under: types with fewer questions than this become ``Other``; 0: none
    strict: a bad row is an error instead of being left out and counted
    features: featurisers of the forest on top of the generic ones, by name or dotted path
    n: number of questions, ``auto`` or an integer (planted only)
    seed: seed of the generator (planted only)
    """

    name: str = "table"
    path: Any = None
    sheet: str | None = None
    local: str | None = None
    hub: HubSettings = field(default_factory=HubSettings)
    reader: str | None = None
    columns: ColumnSettings = field(default_factory=ColumnSettings)
    answers: AnswerFileSettings = field(default_factory=AnswerFileSettings)
    format: QuestionFormat = QuestionFormat.auto
    options: list[str] | None = None
    answer_as: AnswerForm = AnswerForm.auto
    decimal: str | None = None
    options_separator: str | None = None
    merge_types_under: int = 0
    strict: bool = False
    features: list[str] = field(default_factory=list)
    n: Any = "auto"
    seed: int = 0

    def is_generated(self) -> bool:
        """Whether the questions are generated, so that nothing is read."""
        return self.name == PLANTED and self.path is None
