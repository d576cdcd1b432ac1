"""What was understood of a benchmark's source: shown at the start of a run, kept in its summary."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class TypeReading:
    """How the questions of one type and format were read.

    n: questions that are in the table
    options: how many options a question has ("4", "2 to 6"); empty for none
    options_from: column, question (in its text), setting (``benchmark.options``), yes/no (the
        gold itself); empty for none
    answers: how the gold is written (letter, index, text, number, ...) and in how many questions
    unit: of the numbers; empty for none
    examples: (question, options, gold) of the first questions, as text; not kept in the record
    """

    question_type: str
    format: str
    n: int
    options: str = ""
    options_from: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    unit: str = ""
    examples: list[tuple[str, list[str], str]] = field(default_factory=list)


@dataclass
class LeftOutReason:
    """Why rows are left out: how many, and where the first of them stand."""

    reason: str
    n: int
    places: str


@dataclass
class Understanding:
    """What a source was taken to be.

    columns: field ("question", "group image", ...) to the columns it is read from
    guessed: the fields that no setting names
    ignored: columns that are not used
    notes: what else was decided while reading, in whole sentences
    warnings: what is likely to be a mistake in the source or in how it is read
    copies: questions that are circular copies of another, in how many sets
    same_text: questions whose text and options another one has too
    """

    source: str
    rows: int
    questions: int
    columns: dict[str, str] = field(default_factory=dict)
    guessed: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    types: list[TypeReading] = field(default_factory=list)
    left_out: list[LeftOutReason] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    copies: tuple[int, int] = (0, 0)
    same_text: int = 0

    def to_plain(self) -> dict[str, Any]:
        """As dicts and lists for summary.json, without the examples' text."""
        plain = asdict(self)
        for kind in plain["types"]:
            del kind["examples"]
        return plain
