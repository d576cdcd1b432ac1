"""Which questions to mend, the most biased of the exposed types first: to_mend.csv."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.core.questions import QuestionTable
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.shortcuts import leading_shortcut
from tst.scoring.exposure import EXPOSED, ONE_ANSWER, ONE_ANSWER_SHARE, TypeExposure
from tst.stress_test.shortcuts.explaining import explain_answers
from tst.stress_test.shortcuts.repairs import REPAIRS
from tst.stress_test.shortcuts.sentences import UNEXPLAINED, without_quotes

TO_MEND = "to_mend.csv"

COLUMNS = {
    "rank": "1 for the question that gives most away",
    "id": "of the question",
    "question_type": "one that is exposed, or that one answer solves",
    "question": "its text",
    "gold": "the right answer; of options, its letter and text",
    "answered": "what the model answered, in the same way",
    "probability": "that the model gave this option; of numbers and texts empty",
    "adjusted": "(s - baseline) / (1 - baseline)",
    "shortcut": "what gives the answer away, docs/shortcuts.md; empty: no single statistic does",
    "about": "the words of the question or option behind it",
    "why": "the training answers that say so, counted",
    "repair": "how to mend the question, or its type",
}
"""Columns of ``find_to_mend`` and of to_mend.csv."""

TEXTS = ("question", "gold", "answered", "about")
"""Columns that quote the benchmark."""


def find_to_mend(
    table: QuestionTable,
    fold: np.ndarray,
    questions: pd.DataFrame,
    exposure: Sequence[TypeExposure],
    rules: ScoringRules,
    features: Sequence[str] = (),
) -> pd.DataFrame:
    """One row per question to mend; columns ``COLUMNS``.

    fold: which fold holds each question of the table out, (n,): ``plan.assignment[0]``
    questions: rows of a record's questions.parquet; exposure: ``scoring.exposure.find_exposed``
    features: entity featurisers, as ``benchmark.features``
    Of an exposed type the questions that are answered rightly and above their baseline; of a type
    that one answer solves, those that it gets right. Ranked by ``adjusted``, ties by id.
    """
    state = {(e.question_type, e.format): e.state for e in exposure if e.is_exposed}
    parts = zip(questions["question_type"], questions["format"], strict=True)
    states = [state.get(part) for part in parts]
    right = (questions["format"] == "num") | (questions["correct"] >= ONE_ANSWER_SHARE)
    by_model = (np.array(states) == EXPOSED) & right & (questions["adjusted"] > 0)
    by_constant = (np.array(states) == ONE_ANSWER) & (questions["majority"] >= ONE_ANSWER_SHARE)
    listed = questions[by_model | by_constant]
    listed = listed.sort_values(["adjusted", "id"], ascending=[False, True])
    position = pd.Series(np.arange(len(table.frame)), index=table.frame["id"].to_numpy())
    rows = position.loc[listed["id"]].to_numpy()
    told = explain_answers(table.frame, fold, rows, rules, features).reset_index(drop=True)
    untold = told["shortcut"] == ""
    told[untold] = _by_model(listed)[untold]
    frame = pd.DataFrame(
        {
            "rank": np.arange(1, len(listed) + 1),
            "id": listed["id"].to_numpy(),
            "question_type": listed["question_type"].to_numpy(),
            "question": listed["question"].to_numpy(),
            "gold": [_answer(*row) for row in _cells(listed, "answer")],
            "answered": [_answer(*row) for row in _cells(listed, "prediction")],
            "probability": [_probability(p) for p in listed["p_options"]],
            "adjusted": listed["adjusted"].to_numpy(),
        }
    )
    return pd.concat([frame, told], axis=1)[list(COLUMNS)]


def without_texts(to_mend: pd.DataFrame) -> pd.DataFrame:
    """The same without what it quotes of the benchmark, to be published."""
    kept = to_mend.drop(columns=list(TEXTS))
    return kept.assign(**{c: [without_quotes(text) for text in kept[c]] for c in ("why", "repair")})


def read_to_mend(record: Path) -> pd.DataFrame:
    """to_mend.csv of a finished record; what is empty there is an empty text."""
    texts = dict.fromkeys(("id", "question_type", *TEXTS, "shortcut", "why", "repair"), str)
    frame = pd.read_csv(record / TO_MEND, dtype=texts, keep_default_na=False)
    return frame.assign(probability=pd.to_numeric(frame["probability"]))


def leading_shortcuts(to_mend: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By question type what most of its listed questions have in common.

    listed: questions to mend; shortcut: the most frequent one (ties: the first in the list), empty
    where none tells; share: of the listed ones; why: of one of them that is typical
    """
    found = {}
    for question_type, part in to_mend.groupby("question_type", sort=False):
        counts = part["shortcut"].value_counts(sort=False)
        name = str(counts.idxmax())
        alike = part[part["shortcut"] == name]
        usual = alike["about"].value_counts(sort=False).idxmax()
        why = str(alike.loc[alike["about"] == usual, "why"].iloc[0])
        share = float(counts.max() / len(part))
        found[str(question_type)] = {
            "listed": len(part), "shortcut": name, "share": share, "why": why
        }  # fmt: skip
    return found


def _by_model(listed: pd.DataFrame) -> pd.DataFrame:
    """What moved the model most, for answers that no single statistic tells; by listed question.

    Nothing for a model that does not say.
    """
    told = []
    for cell in listed["contributions"]:
        name = leading_shortcut(json.loads(cell)) if isinstance(cell, str) else None
        why = UNEXPLAINED if name is None else f"{UNEXPLAINED}; what moved the model most: {name}"
        told.append((name or "", "", why, REPAIRS[name] if name else ""))
    return pd.DataFrame(told, columns=["shortcut", "about", "why", "repair"], dtype=object)


def _cells(listed: pd.DataFrame, column: str) -> Iterator[tuple[str, str | None]]:
    return zip(listed[column], listed["options"], strict=True)


def _answer(given: str, options: str | None) -> str:
    """An answer of questions.parquet as people read it: C. text; 2.5; text."""
    value = json.loads(given)
    if value is None:
        return ""
    if isinstance(options, str):
        return f"{chr(ord('A') + int(value))}. {json.loads(options)[int(value)]}"
    if isinstance(value, list):
        return " | ".join(dict.fromkeys(str(text) for text in value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _probability(p_options: str | None) -> float:
    return float(max(json.loads(p_options))) if isinstance(p_options, str) else float("nan")
