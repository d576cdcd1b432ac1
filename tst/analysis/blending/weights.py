"""How much each record counts, from the answers of questions that are not scored with it.

Options: P is proportional to the product of the records' P ** weight, with weights that are not
negative, per question type as far as the data say (``fit_stack``). Numbers: a weighted mean, the
weights of the type that score highest. Texts: the record whose texts score highest in the type.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.models.stack import Stack, fit_stack
from tst.diagnostics.forest.text.hashing import code_all
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.text_cache import TextCache

FLOOR = 1e-3
"""Added to a probability before the logarithm: no record rules an option out."""
STEPS = 10
"""Weights of numbers are multiples of a tenth."""
SHRINKAGE = 20
"""Questions of all types that count towards a type's own weights."""


class OptionWeights:
    """Weights of k records' option probabilities."""

    def fit(self, types: list[str], shares: list[np.ndarray], gold: list[int]) -> OptionWeights:
        """types: of n questions; shares: of each the probabilities (options, k); gold: indices."""
        questions = _as_arrays(types, [len(share) for share in shares])
        correct = np.zeros(int(questions.start[-1]))
        correct[questions.start[:-1] + np.array(gold, dtype=np.int64)] = 1.0
        logs = np.log(np.concatenate(shares) + FLOOR)
        equal = np.full(logs.shape[1], 1.0 / logs.shape[1])
        self.stack: Stack = fit_stack(questions, logs, questions.baseline, correct, equal)
        return self

    def predict(self, types: list[str], shares: list[np.ndarray]) -> list[np.ndarray]:
        """The blended probabilities of each question, (options,), summing to 1."""
        questions = _as_arrays(types, [len(share) for share in shares])
        logs = np.log(np.concatenate(shares) + FLOOR)
        blended = self.stack.predict(questions, logs, questions.baseline)
        return np.split(blended, questions.start[1:-1])

    def of(self, kind: str) -> np.ndarray:
        """The weights of a question type, (k,)."""
        return self.stack.weights(_as_arrays([kind], [2]))[0]


class NumberWeights:
    """Weights of k records' numbers: a row of ``simplex`` per question type."""

    def fit(
        self, types: np.ndarray, values: np.ndarray, gold: np.ndarray, rules: ScoringRules
    ) -> NumberWeights:
        """types (n,), values (n, k) without gaps, gold (n,)."""
        self._grid = simplex(values.shape[1])
        scores = rules.score_numbers(values @ self._grid.T, gold[:, None])
        self._common, self._by_type = best_by_type(types, scores)
        return self

    def predict(self, types: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The weighted mean of each question's numbers, (n,)."""
        weights = np.stack([self.of(kind) for kind in types])
        return np.asarray((values * weights).sum(axis=1))

    def of(self, kind: str) -> np.ndarray:
        """The weights of a question type, (k,)."""
        return np.asarray(self._grid[self._by_type.get(kind, self._common)])


class TextWeights:
    """Which of k records answers the open questions of a type."""

    def fit(self, types: np.ndarray, scores: np.ndarray) -> TextWeights:
        """types (n,); scores: of each record's text, (n, k)."""
        self._size = scores.shape[1]
        self._common, self._by_type = best_by_type(types, scores)
        return self

    def predict(self, types: np.ndarray) -> np.ndarray:
        """The place of the record whose text each question gets, (n,)."""
        return np.array([self._by_type.get(kind, self._common) for kind in types], dtype=np.int64)

    def of(self, kind: str) -> np.ndarray:
        """1 for the record that is chosen for a question type, else 0, (k,)."""
        return np.eye(self._size)[self._by_type.get(kind, self._common)]


def simplex(k: int) -> np.ndarray:
    """All weights of k records in steps of 1 / STEPS that sum to 1, the most equal first."""
    cuts = combinations(range(STEPS + k - 1), k - 1)
    edges = np.array([(-1, *cut, STEPS + k - 1) for cut in cuts])
    weights = (np.diff(edges, axis=1) - 1) / STEPS
    return np.asarray(weights[np.argsort((weights**2).sum(axis=1), kind="stable")])


def best_by_type(types: np.ndarray, scores: np.ndarray) -> tuple[int, dict[str, int]]:
    """The column with the highest mean score, over all types and of each; ties: the first.

    scores: (n, columns). A type's own mean is shrunk to that of all types.
    """
    mean = scores.mean(axis=0)
    by_type = {}
    for kind in np.unique(types):
        own = scores[types == kind].sum(axis=0) + SHRINKAGE * mean
        by_type[str(kind)] = int(own.round(9).argmax())
    return int(mean.round(9).argmax()), by_type


def _as_arrays(types: list[str], sizes: list[int]) -> QuestionArrays:
    """Questions of which only types and numbers of options are read."""
    n, total = len(types), sum(sizes)
    return QuestionArrays(
        texts=TextCache(),
        types=code_all(types),
        units=np.arange(n, dtype=np.uint64),
        question=np.zeros(n, dtype=np.int64),
        option=np.zeros(total, dtype=np.int64),
        start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        metadata=np.zeros((n, 0), dtype=np.uint64),
        rows=np.arange(n),
    )
