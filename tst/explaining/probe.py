"""A linear probe: how well the answer can be read from the untrained model's final hidden state.

It is trained and tested on the folds of the stress test, so that its accuracy is comparable with
the scores. It reads the state at the answer position, as the model's own output layer does.
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
    """The probe of one question type.

    accuracy: on held-out folds, in [0, 1]
    majority: accuracy of always giving the most frequent answer of the training folds
    tokens: tokens whose output embeddings are nearest to the direction of the most frequent answer
    """

    question_type: str
    n: int
    accuracy: float
    majority: float
    tokens: list[str]


def probe_types(
    states: np.ndarray, questions: pd.DataFrame, unembedding: np.ndarray, vocabulary: list[str]
) -> list[Probe]:
    """One probe per question type with at least two different answers.

    states: float array (n, hidden); questions: question_type, label, fold of the same n questions
    unembedding: float array (tokens, hidden), output embeddings of the ``vocabulary``, which are
        the tokens of these prompts
    """
    found = []
    for name, part in questions.groupby("question_type", sort=True):
        if part["label"].nunique() < 2:
            continue
        x, y = states[part.index.to_numpy()], part["label"].to_numpy()
        right, majority = _held_out(x, y, part["fold"].to_numpy())
        found.append(
            Probe(
                str(name), len(part), float(right.mean()), float(majority.mean()),
                _nearest_tokens(x, y, unembedding, vocabulary),
            )
        )  # fmt: skip
    return found


def _held_out(x: np.ndarray, y: np.ndarray, folds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether the probe and the majority are right: two bool arrays (n,)."""
    right, majority = np.zeros(len(y), dtype=bool), np.zeros(len(y), dtype=bool)
    for fold in np.unique(folds):
        held = folds == fold
        values, counts = np.unique(y[~held], return_counts=True)
        if not len(values):
            continue
        majority[held] = y[held] == values[counts.argmax()]
        if len(values) < 2:
            right[held] = majority[held]
        else:
            right[held] = _new_probe().fit(x[~held], y[~held]).predict(x[held]) == y[held]
    return right, majority


def _new_probe() -> LogisticRegression:
    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=2000))


def _nearest_tokens(
    x: np.ndarray, y: np.ndarray, unembedding: np.ndarray, vocabulary: list[str]
) -> list[str]:
    """Tokens whose output embeddings are nearest (cosine) to the most frequent answer's."""
    probe = _new_probe().fit(x, y)
    scale, model = probe[0].scale_, probe[-1]
    values, counts = np.unique(y, return_counts=True)
    most_frequent = int(np.flatnonzero(model.classes_ == values[counts.argmax()])[0])
    weights = model.coef_ if len(model.classes_) > 2 else np.vstack([-model.coef_, model.coef_])
    direction = (weights[most_frequent] - weights.mean(axis=0)) / scale
    centred = unembedding - unembedding.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1) * np.linalg.norm(direction) + 1e-12
    best = np.argsort(-(centred @ direction) / norms, kind="stable")[:TOKENS]
    return [vocabulary[i] for i in best]
