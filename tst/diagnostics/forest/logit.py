"""Conditional logit: softmax over the options of a question, linear in the options' features."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from tst.diagnostics.forest.sheet import Sheet

Matrix = np.ndarray | csr_matrix


class ConditionalLogit:
    """Maximises sum log P(gold) - penalty / 2 |w|^2 with L-BFGS (McFadden's conditional logit)."""

    def __init__(self, penalty: float, iterations: int = 100) -> None:
        self.penalty = penalty
        self.iterations = iterations

    def fit(self, features: Matrix, sheet: Sheet, correct: np.ndarray) -> ConditionalLogit:
        """features (m, f), correct (m,) of 0 and 1, one 1 a question."""
        transposed = features.T.tocsr() if isinstance(features, csr_matrix) else features.T

        def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            probability = sheet.softmax(features @ weights)
            gold = np.maximum(probability[correct > 0], 1e-300)
            value = -np.log(gold).sum() + 0.5 * self.penalty * weights @ weights
            return value, transposed @ (probability - correct) + self.penalty * weights

        start = np.zeros(features.shape[1])
        options = {"maxiter": self.iterations, "ftol": 1e-7, "gtol": 1e-3}
        self.weights = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
        return self

    def decide(self, features: Matrix) -> np.ndarray:
        """The options' utilities (m,): probabilities are their softmax."""
        return features @ self.weights
