"""A linear probe on the untrained model's final hidden state: is the answer in there already?

Trained on the same folds as the stress test, so that its accuracy stands beside the scores. It
reads the state at the answer position, from which the model's own head reads the letter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STRENGTH = 0.01
TOKENS = 8


@dataclass
class Probe:
    """What a probe says of one question type.

    accuracy: of held-out folds, in [0, 1]; majority: always the training folds' usual answer
    tokens: vocabulary entries that its direction writes most, from its usual answer's side
    """

    question_type: str
    n: int
    accuracy: float
    majority: float
    tokens: list[str]


def probe_types(
    states: np.ndarray, questions: pd.DataFrame, unembedding: np.ndarray, vocabulary: list[str]
) -> list[Probe]:
    """A probe for each question type with at least two answers.

    states: float array (n, hidden); questions: question_type, label, fold of the same n questions
    unembedding: float array (tokens, hidden) of the ``vocabulary``, the tokens of these prompts
    """
    found = []
    for name, part in questions.groupby("question_type", sort=True):
        if part["label"].nunique() < 2:
            continue
        x, y = states[part.index.to_numpy()], part["label"].to_numpy()
        right, usual = _held_out(x, y, part["fold"].to_numpy())
        found.append(
            Probe(
                str(name), len(part), float(right.mean()), float(usual.mean()),
                _telling_tokens(x, y, unembedding, vocabulary),
            )
        )  # fmt: skip
    return found


def _held_out(x: np.ndarray, y: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether probe and majority are right, a question each."""
    right, usual = np.zeros(len(y), dtype=bool), np.zeros(len(y), dtype=bool)
    for fold in np.unique(folds):
        held = folds == fold
        values, counts = np.unique(y[~held], return_counts=True)
        if not len(values):
            continue
        usual[held] = y[held] == values[counts.argmax()]
        if len(values) < 2:
            right[held] = usual[held]
        else:
            right[held] = _new_probe().fit(x[~held], y[~held]).predict(x[held]) == y[held]
    return right, usual


def _new_probe() -> LogisticRegression:
    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2000))


def _telling_tokens(
    x: np.ndarray, y: np.ndarray, unembedding: np.ndarray, vocabulary: list[str]
) -> list[str]:
    """Tokens whose output embedding lies nearest to the most frequent answer's direction."""
    probe = _new_probe().fit(x, y)
    scale, model = probe[0].scale_, probe[-1]
    values, counts = np.unique(y, return_counts=True)
    usual = int(np.flatnonzero(model.classes_ == values[counts.argmax()])[0])
    weights = model.coef_ if len(model.classes_) > 2 else np.vstack([-model.coef_, model.coef_])
    direction = (weights[usual] - weights.mean(axis=0)) / scale
    centred = unembedding - unembedding.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1) * np.linalg.norm(direction) + 1e-12
    best = np.argsort(-(centred @ direction) / norms, kind="stable")[:TOKENS]
    return [vocabulary[i] for i in best]
