"""Per-question scores of a model's own answers; what cannot be parsed is wrong, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tst.benchmarks.files import Record
from tst.benchmarks.marks import LETTERS
from tst.core.questions import ANSWER_UNIT
from tst.core.scoring_rules import ScoringRules
from tst.core.units import asked_unit
from tst.pruning.model_answers.choices import read_choice
from tst.pruning.model_answers.files import (
    answer_column,
    answer_text,
    read_predictions,
    select_rows,
)
from tst.pruning.model_answers.joining import join_predictions, resolve_keys
from tst.pruning.model_answers.numbers import read_number
from tst.pruning.model_answers.readings import PARSED, STATES, Reading
from tst.pruning.model_answers.texts import read_text
from tst.pruning.settings import PredictionSettings

EXAMPLES = 5
EXAMPLE_LENGTH = 160


@dataclass(frozen=True)
class Answers:
    """What one model answered.

    scores: by table position, columns score (1, 0, or MRA), state (readings.STATES), read (the
        answer as it was read: an option, a number, a text; empty for none) and text (the end of
        the answer)
    rows: rows in its files; unmatched: those that belong to no question of the table
    """

    scores: pd.DataFrame
    rows: int
    unmatched: int

    def describe(self, ids: np.ndarray) -> dict[str, Any]:
        """Counts for summary.json, with the first answers of each state and how they were read."""
        states = self.scores["state"]
        counts = {state: int((states == state).sum()) for state in STATES}
        return {
            "rows": self.rows,
            "unmatched": self.unmatched,
            "questions": len(self.scores),
            "without_answer": len(ids) - len(self.scores),
            "share_parsed": counts[PARSED] / len(self.scores),
            **counts,
            "examples": {
                state: [
                    {"id": str(ids[row]), "text": text, "read": read}
                    for row, text, read in self._examples(states == state)
                ]
                for state in STATES
            },
        }

    def _examples(self, members: pd.Series) -> list[tuple[int, str, str]]:
        """Position, text and reading of the first answers of a part."""
        first = self.scores[members].head(EXAMPLES)
        return list(zip(first.index, first["text"], first["read"], strict=True))


def read_answers(
    name: str,
    files: Any,
    settings: PredictionSettings,
    source: Sequence[Record],
    frame: pd.DataFrame,
    id_column: str,
    rules: ScoringRules,
) -> Answers:
    """Read, join, parse and score one model's files. Raises UserError."""
    records = select_rows(name, read_predictions(name, files), settings.filter)
    column = answer_column(name, records, settings.column)
    keys = resolve_keys(settings.key, id_column)
    joined = join_predictions(name, records, source, frame, keys, settings.question, column)
    texts = {row: answer_text(record.get(column)) for row, record in sorted(joined.items())}
    return Answers(score_answers(texts, frame, rules), len(records), len(records) - len(joined))


def score_answers(
    texts: Mapping[int, str], frame: pd.DataFrame, rules: ScoringRules
) -> pd.DataFrame:
    """Score, state, reading and text of every answer, by table position."""
    rows = []
    units = frame.get(ANSWER_UNIT)
    for row, text in texts.items():
        kind, gold, options, question = (
            frame[c].iloc[row] for c in ("format", "answer", "options", "question")
        )
        reading: Reading[Any]
        score, shown = 0.0, ""
        if kind == "mc":
            reading = read_choice(text, options)
            if reading.answer is not None:
                score = float(reading.answer == gold)
                shown = f"{LETTERS[reading.answer]}. {options[reading.answer]}"
        elif kind == "num":
            unit = "" if units is None else units.iloc[row]
            reading = read_number(text, unit or asked_unit(question))
            if reading.answer is not None:
                score = float(rules.score_numbers(np.array(reading.answer), np.array(gold)))
                shown = f"{reading.answer:g}"
        else:
            reading = read_text(text, gold)
            score = rules.score_text(reading.answer, gold)
            shown = _ending(reading.answer)
        rows.append((row, score, reading.state, shown, _ending(text)))
    columns = ["row", "score", "state", "read", "text"]
    return pd.DataFrame(rows, columns=columns).set_index("row")


def _ending(text: str | None) -> str:
    """A text in one line, its end where it is long: answers stand there."""
    line = " ".join((text or "").split())
    return line if len(line) <= EXAMPLE_LENGTH else "…" + line[-EXAMPLE_LENGTH:]
