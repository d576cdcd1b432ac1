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
from tst.stress_testing.shortcuts.explaining import Moved, explain_answers
from tst.stress_testing.shortcuts.sentences import UNEXPLAINED, without_quotes

TO_MEND = "to_mend.csv"
ENOUGH = 1.0 / 3.0
"""The share of what a type scores above chance that a statistic must reach alone to explain it."""

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
    moved = _moved(listed, exposure)
    told = explain_answers(table.frame, fold, rows, rules, features, moved).reset_index(drop=True)
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


def by_shortcut(to_mend: pd.DataFrame) -> pd.DataFrame:
    """A row per question type and shortcut, those with most questions first.

    Its first question, and how many questions it stands for (n).
    """
    grouped = to_mend.groupby(["question_type", "shortcut"], sort=False)
    first = grouped.head(1).assign(n=grouped["id"].transform("size"))
    return first.sort_values("n", ascending=False, kind="stable")


def leading_shortcuts(to_mend: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By question type what most of its listed questions have in common.

    listed: questions to mend; shortcut: the most frequent one (ties: the first in the list), empty
    where none tells; share: of the listed ones; why: of one of them that is typical, empty where
    none has counts
    """
    found = {}
    for question_type, part in to_mend.groupby("question_type", sort=False):
        counts = part["shortcut"].value_counts(sort=False)
        name = str(counts.idxmax())
        alike = part[part["shortcut"] == name]
        counted = alike[~alike["why"].str.startswith(UNEXPLAINED)]
        usual = counted["about"].value_counts().head(1).index
        why = "".join(counted.loc[counted["about"].isin(usual), "why"].head(1))
        share = float(counts.max() / len(part))
        found[str(question_type)] = {
            "listed": len(part), "shortcut": name, "share": share, "why": why
        }  # fmt: skip
    return found


def _moved(listed: pd.DataFrame, exposure: Sequence[TypeExposure]) -> Moved:
    """What moved the model; a statistic must tell ENOUGH of a type's score above chance."""
    least = {
        (e.question_type, e.format): e.chance + ENOUGH * (e.score - e.chance)
        for e in exposure
        if e.state == EXPOSED
    }
    parts = zip(listed["question_type"], listed["format"], strict=True)
    names = [
        leading_shortcut(json.loads(cell)) or "" if isinstance(cell, str) else ""
        for cell in listed["contributions"]
    ]
    return Moved(np.array(names, dtype=object), np.array([least.get(part, 0.0) for part in parts]))


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
