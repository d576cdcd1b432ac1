"""One source record on its way to a question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tst.core.questions import CONTEXT, GROUP_PREFIX

COLUMN, READER, QUESTION = "column", "reader", "question"
SETTING, YES_NO, JOINED = "setting", "yes/no", "joined"
"""Where options come from: columns, ``benchmark.reader``, the question's text,
``benchmark.options``, the gold itself, the gold and columns of wrong options."""


@dataclass(slots=True)
class Row:
    """What is known of a question so far.

    record: index of the source record
    format: what a column says, then mc, num or open
    options, labels, right: as ``options.Options``; no options: None
    answer: the gold cell, then its reading (method.md, section 2)
    problem: why the row is no question; empty while it may be one
    options_from: where the options come from
    form: how the gold is written (``letter``, ``index``, ``text``, ...)
    unit: of a number; empty for none
    by_gold: whether the format follows from the gold alone
    aliases: further texts that are accepted, where the question is open
    """

    record: int
    id: Any
    question: str
    question_type: str
    format: Any
    options: list[str] | None
    labels: list[str] | None
    right: int | None
    answer: Any
    groups: dict[str, str]
    metadata: dict[str, str]
    problem: str = ""
    options_from: str = ""
    form: str = ""
    unit: str = ""
    by_gold: bool = False
    aliases: list[str] = field(default_factory=list)
    context: dict[str, str] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """The row as ``core.questions.build_table`` takes it."""
        return {
            "id": self.id,
            "question_type": self.question_type,
            "format": self.format,
            "question": self.question,
            "options": self.options,
            "answer": self.answer,
            "metadata": self.metadata,
            **({CONTEXT: self.context} if self.context else {}),
            **{GROUP_PREFIX + name: value for name, value in self.groups.items()},
            "problem": self.problem,
        }
