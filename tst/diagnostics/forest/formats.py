"""Predictions by format: open answers, option probabilities row by row, and formats joined."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from tst.core.diagnostic import Predictions, add_costs
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

FORMATS = ("mc", "num", "open")
"""The format that takes the longest comes first."""


def put_options(
    predictions: Predictions, questions: QuestionArrays, probability: np.ndarray
) -> None:
    """Hand each question its options' probabilities, (m,) in all."""
    parts = np.split(probability, questions.start[1:-1])
    for row, part in zip(questions.rows, parts, strict=True):
        predictions.p_options[row] = part


def join_formats(parts: dict[str, Predictions]) -> Predictions:
    """One fold's predictions from those of its formats, each of which leaves the others' empty.

    Formats that a feature family does not touch keep their predictions.
    """
    ordered = [parts[kind] for kind in reversed(FORMATS) if kind in parts]
    whole = _overlay(ordered)
    for part in ordered:
        add_costs(whole.cost, part.cost)
    if all(part.reasons is not None for part in ordered):
        by_row = zip(*(part.reasons or [] for part in ordered), strict=True)
        whole.reasons = [[sentence for own in row for sentence in own] for row in by_row]
    if all(part.permuted is not None for part in ordered):
        families = dict.fromkeys(f for part in ordered for f in part.permuted or {})
        whole.permuted = {
            family: _overlay([(part.permuted or {}).get(family, part) for part in ordered])
            for family in families
        }
    return whole


def _overlay(parts: list[Predictions]) -> Predictions:
    """The answers of predictions for different rows."""
    whole = Predictions.empty(len(parts[0].value))
    for part in parts:
        for row, (options, text) in enumerate(zip(part.p_options, part.text, strict=True)):
            whole.p_options[row] = whole.p_options[row] if options is None else options
            whole.text[row] = whole.text[row] if text is None else text
        given = ~np.isnan(part.value)
        whole.value[given] = part.value[given]
    return whole


def frequent_texts(train: pd.DataFrame, heldout: pd.DataFrame) -> dict[int, str]:
    """Position of every open held-out question -> its type's most frequent training answer.

    An unseen type gets the most frequent answer of all; ties go to the first in the alphabet.
    """
    is_open = train["format"] == "open"
    counts: dict[str, Counter[str]] = {}
    overall: Counter[str] = Counter()
    for kind, answer in zip(train["question_type"][is_open], train["answer"][is_open], strict=True):
        counts.setdefault(kind, Counter())[answer[0]] += 1
        overall[answer[0]] += 1
    texts = {}
    for row in np.flatnonzero((heldout["format"] == "open").to_numpy()).tolist():
        seen = counts.get(heldout["question_type"].iloc[row], overall)
        if seen:
            texts[row] = min(seen, key=lambda text: (-seen[text], text))
    return texts
