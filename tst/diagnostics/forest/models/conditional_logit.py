"""Conditional logits: softmax over the options of a question, linear in the options' features."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from tst.diagnostics.forest.text.hashing import find_places
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

OPTIONS = {"maxiter": 100, "ftol": 1e-6, "gtol": 1e-3}
SPARSE_OPTIONS = {"maxiter": 50, "ftol": 1e-5, "gtol": 1e-2}


class SparseLogit:
    """Maximises sum log P(gold) - penalty / 2 |w|^2 (McFadden's conditional logit)."""

    def __init__(self, penalty: float) -> None:
        self.penalty = penalty

    def fit(
        self, features: csr_matrix, questions: QuestionArrays, correct: np.ndarray
    ) -> SparseLogit:
        """features (m, f), correct (m,) of 0 and 1, one 1 per question."""
        transposed = features.T.tocsr()

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            miss, residual = _miss(questions, features @ weights, correct)
            slope = transposed @ residual + self.penalty * weights
            return miss + 0.5 * self.penalty * weights @ weights, slope

        start = np.zeros(features.shape[1])
        self.weights = minimize(loss, start, jac=True, method="L-BFGS-B", options=SPARSE_OPTIONS).x
        return self


class TypedLogit:
    """A conditional logit with common weights and penalised deviations per question type.

    penalty, typed_penalty: on the common weights and on the deviations
    positive: columns whose weights may not be negative, (f,) bool; None for no bound
    """

    def __init__(
        self, penalty: float, typed_penalty: float, positive: np.ndarray | None = None
    ) -> None:
        self.penalty = penalty
        self.typed_penalty = typed_penalty
        self.positive = positive

    def fit(
        self, features: np.ndarray, questions: QuestionArrays, correct: np.ndarray
    ) -> TypedLogit:
        """features (m, f), scaled alike; correct (m,) of 0 and 1, one 1 per question."""
        self._kinds, kind_of = np.unique(questions.types, return_inverse=True)
        rows = _rows_by_kind(kind_of[questions.owner], len(self._kinds))
        blocks = [features[r].astype(np.float64) for r in rows]
        shape = (len(self._kinds) + 1, features.shape[1])
        penalties = np.full(shape, self.typed_penalty)
        penalties[0] = self.penalty

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights = flat.reshape(shape)
            utilities = np.empty(len(correct))
            for kind, block in enumerate(blocks):
                utilities[rows[kind]] = block @ (weights[0] + weights[kind + 1])
            miss, residual = _miss(questions, utilities, correct)
            slope = penalties * weights
            for kind, block in enumerate(blocks):
                pull = residual[rows[kind]] @ block
                slope[0] += pull
                slope[kind + 1] += pull
            return miss + 0.5 * float((penalties * weights**2).sum()), slope.ravel()

        bounds = None
        if self.positive is not None:
            row = [(0.0, None) if positive else (None, None) for positive in self.positive]
            bounds = row * shape[0]
        found = minimize(
            loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", bounds=bounds,
            options=OPTIONS,
        )  # fmt: skip
        weights = found.x.reshape(shape)
        self._common, self._by_kind = weights[0], weights[0] + weights[1:]
        return self

    def weights(self, questions: QuestionArrays) -> np.ndarray:
        """The weights that hold for each question, (n, f); unseen types have the common ones."""
        place = find_places(self._kinds, questions.types)
        return np.where((place >= 0)[:, None], self._by_kind[place], self._common)


def _miss(
    questions: QuestionArrays, utilities: np.ndarray, correct: np.ndarray
) -> tuple[float, np.ndarray]:
    """Minus the log-likelihood, and its slope by the utilities."""
    probability = questions.softmax(utilities)
    gold = np.maximum(probability[correct > 0], 1e-300)
    return -float(np.log(gold).sum()), probability - correct


def _rows_by_kind(kind_of_row: np.ndarray, n_kinds: int) -> list[np.ndarray]:
    order = np.argsort(kind_of_row, kind="stable")
    return np.split(order, np.cumsum(np.bincount(kind_of_row, minlength=n_kinds))[:-1])
