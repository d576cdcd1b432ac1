"""Predictions by format: option probabilities row by row, candidate answers, formats joined."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tst.core.diagnostic import Predictions, add_costs
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

FORMATS = ("mc", "num", "open")
"""The format that takes the longest comes first."""


def put_options(
    predictions: Predictions, questions: QuestionArrays, probability: np.ndarray
) -> None:
    """Hand each question its options' probabilities, (m,) in all."""
    for row, (first, end) in zip(questions.rows, pairwise(questions.start.tolist()), strict=True):
        predictions.p_options[row] = probability[first:end]


def put_candidates(
    predictions: Predictions,
    questions: QuestionArrays,
    candidates: list[list[str]],
    probability: np.ndarray,
    unlisted: np.ndarray,
) -> None:
    """Hand each open question its likeliest answer and the probabilities of all candidates.

    probability: over the candidates, summing to 1 per question, (m,) in all
    unlisted: how likely the answer is none of them, (n,)
    """
    assert predictions.text_probabilities is not None
    ends = np.cumsum([len(texts) for texts in candidates])
    parts = np.split(probability, ends[:-1])
    for row, texts, part, rest in zip(questions.rows, candidates, parts, unlisted, strict=True):
        if texts:
            predictions.text[row] = texts[int(part.argmax())]
            shares = (part * (1.0 - rest)).tolist()
            predictions.text_probabilities[row] = dict(zip(texts, shares, strict=True))


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
    if all(part.contributions is not None for part in ordered):
        shares = zip(*(part.contributions or [] for part in ordered), strict=True)
        whole.contributions = [
            {name: share for own in row for name, share in own.items()} for row in shares
        ]
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
    if any(part.text_probabilities is not None for part in parts):
        whole.text_probabilities = [None] * len(whole.text)
    for part in parts:
        for row, (options, text) in enumerate(zip(part.p_options, part.text, strict=True)):
            whole.p_options[row] = whole.p_options[row] if options is None else options
            whole.text[row] = whole.text[row] if text is None else text
        for row, shares in enumerate(part.text_probabilities or []):
            if shares is not None:
                assert whole.text_probabilities is not None
                whole.text_probabilities[row] = shares
        given = ~np.isnan(part.value)
        whole.value[given] = part.value[given]
    return whole
