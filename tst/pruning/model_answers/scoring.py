"""Per-question scores of a model's own answers; what cannot be parsed is wrong, and counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tst.benchmarks.files import Record
from tst.core.scoring_rules import ScoringRules
from tst.pruning.model_answers.choices import parse_choice
from tst.pruning.model_answers.files import answer_column, answer_text, read_predictions
from tst.pruning.model_answers.joining import join_predictions, resolve_keys
from tst.pruning.model_answers.values import parse_text, parse_value
from tst.pruning.settings import PredictionSettings


@dataclass(frozen=True)
class Answers:
    """What one model answered.

    scores: by table position, columns score (1, 0, or MRA) and parsed
    rows: rows in its files; unmatched: those that belong to no question of the table
    """

    scores: pd.DataFrame
    rows: int
    unmatched: int

    def describe(self, ids: np.ndarray) -> dict[str, Any]:
        """Counts for summary.json, with the first questions whose answer cannot be parsed."""
        unparsed = self.scores.index[~self.scores["parsed"].to_numpy(dtype=bool)]
        return {
            "rows": self.rows,
            "unmatched": self.unmatched,
            "questions": len(self.scores),
            "without_answer": len(ids) - len(self.scores),
            "parsed": float(self.scores["parsed"].mean()),
            "unparsed": len(unparsed),
            "unparsed_ids": [str(i) for i in ids[unparsed[:20]]],
        }


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
    records = read_predictions(name, files)
    column = answer_column(name, records, settings.column)
    keys = resolve_keys(settings.key, id_column)
    joined = join_predictions(name, records, source, frame, keys, settings.question)
    texts = {row: answer_text(record[column]) for row, record in sorted(joined.items())}
    return Answers(score_answers(texts, frame, rules), len(records), len(records) - len(joined))


def score_answers(
    texts: Mapping[int, str], frame: pd.DataFrame, rules: ScoringRules
) -> pd.DataFrame:
    """Score and whether it was parsed, by table position."""
    rows = list(texts)
    result = pd.DataFrame({"score": 0.0, "parsed": False}, index=pd.Index(rows, name="row"))
    for row in rows:
        kind, gold, options = (frame[c].iloc[row] for c in ("format", "answer", "options"))
        text = texts[row]
        score: float = 0.0
        answer: int | float | str | None
        if kind == "mc":
            answer = parse_choice(text, options) if text else None
            score = float(answer == gold)
        elif kind == "num":
            answer = parse_value(text)
            if answer is not None:
                score = float(rules.score_numbers(np.array(answer), np.array(gold)))
        else:
            answer = parse_text(text)
            score = rules.score_text(answer, gold)
        result.at[row, "score"] = score
        result.at[row, "parsed"] = answer is not None
    return result
