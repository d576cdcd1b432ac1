"""The numbers of one question type: expected MRA of every candidate, by forests and boosting."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np
from scipy.sparse import csr_matrix
from sklearn.tree._tree import Tree

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.features.number_features import spread
from tst.diagnostics.forest.models.extra_trees import grow_trees

LEAVES = (3, 10)
"""Fewest rows in a leaf of the fine and the coarse forest: sharp where answers repeat, smooth
where they do not."""
MAX_CANDIDATES = 320
BINS = 12
ROUNDS = 30
SETTINGS = {
    "objective": "multiclass",
    "learning_rate": 0.1,
    "num_leaves": 4,
    "feature_fraction": 0.3,
    "min_data_in_leaf": 10,
    "lambda_l2": 5.0,
    "max_bin": 31,
    "feature_pre_filter": False,
    "num_threads": 1,  # the same result on any number of cores
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def candidates(golds: np.ndarray) -> np.ndarray:
    """Numbers worth predicting, sorted: those where the expected MRA can be highest.

    The MRA for a gold y changes at the edges y (1 +- j / 20) alone, so that it is enough to try the
    edges of all golds and a number between each two. Thinned to about MAX_CANDIDATES.
    """
    values, counts = np.unique(golds, return_counts=True)
    steps = np.arange(-10, 11) / 20.0
    edges = (values[:, None] * (1 + steps)).ravel()
    if len(edges) > MAX_CANDIDATES:
        keep = np.linspace(0, 1, MAX_CANDIDATES // 2)
        edges = np.quantile(np.repeat(edges, np.repeat(counts, len(steps))), keep)
    edges = np.unique(edges)
    return np.unique(np.concatenate([edges, (edges[1:] + edges[:-1]) / 2]))


@dataclass
class LeafScores:
    """A forest and, per tree, each leaf's mean MRA of every candidate, float32 (nodes, g).

    The training answers that share leaves with a question are its distribution.
    """

    trees: list[Tree]
    by_leaf: list[np.ndarray]

    @classmethod
    def of(cls, trees: list[Tree], columns: np.ndarray, scores: np.ndarray) -> LeafScores:
        """scores: MRA of every candidate for every training answer, (r, g)."""
        by_leaf, rows = [], np.arange(len(columns))
        for tree in trees:
            leaf = tree.apply(columns)
            share = (1.0 / np.bincount(leaf)[leaf]).astype(np.float32)
            mean = csr_matrix((share, (leaf, rows)), shape=(leaf.max() + 1, len(rows)))
            by_leaf.append(np.asarray(mean @ scores))
        return cls(trees, by_leaf)

    def expected(self, columns: np.ndarray) -> np.ndarray:
        """Expected MRA of every candidate, float32 (r, g)."""
        parts = zip(self.trees, self.by_leaf, strict=True)
        return sum((scores[tree.apply(columns)] for tree, scores in parts)) / len(self.trees)


class BinScores:
    """Boosted trees that tell in which of BINS equally filled bins the answer lies."""

    def fit(
        self, columns: np.ndarray, answers: np.ndarray, scores: np.ndarray, seed: int
    ) -> BinScores:
        """scores: MRA of every candidate for every training answer, (r, g)."""
        edges = np.quantile(answers, np.linspace(0, 1, BINS + 1)[1:-1])
        _, self._bin = np.unique(np.searchsorted(edges, answers, "right"), return_inverse=True)
        size = int(self._bin.max()) + 1
        self.by_bin = np.stack([scores[self._bin == own].mean(0) for own in range(size)])
        self._model = None
        if size > 1:
            settings = {**SETTINGS, "num_class": size, "seed": seed % 2**31}
            data = lightgbm.Dataset(columns, label=self._bin, params=settings)
            self._model = lightgbm.train(settings, data, num_boost_round=ROUNDS)
        return self

    def expected(self, columns: np.ndarray) -> np.ndarray:
        """Expected MRA of every candidate, (r, g)."""
        if self._model is None:
            return np.repeat(self.by_bin, len(columns), axis=0)
        return np.asarray(self._model.predict(columns, num_threads=1)) @ self.by_bin


class NumberForest:
    """The mean of two forests' and the boosted trees' expected MRA."""

    def __init__(self, trees: int, n_jobs: int) -> None:
        self._size, self._n_jobs = trees, n_jobs

    def fit(
        self, columns: np.ndarray, answers: np.ndarray, rules: ScoringRules, seed: int
    ) -> NumberForest:
        """columns float32 (r, f), answers (r,)."""
        self.grid = candidates(answers)
        scores = rules.score_numbers(self.grid[None, :], answers[:, None]).astype(np.float32)
        targets = spread(answers)
        self.parts: list[LeafScores | BinScores] = []
        self.trees: list[Tree] = []
        for place, leaf in enumerate(LEAVES):
            size = -(-self._size // len(LEAVES))
            trees = grow_trees(
                columns, targets, trees=size, leaf=leaf, max_features=0.4,
                seed=seed + place, n_jobs=self._n_jobs,
            )  # fmt: skip
            self.trees += trees
            self.parts.append(LeafScores.of(trees, columns, scores))
        self.parts.append(BinScores().fit(columns, answers, scores, seed))
        return self

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """The candidate with the highest expected MRA, (r,)."""
        expected = sum(part.expected(columns) for part in self.parts)
        return self.grid[np.argmax(expected, axis=1)]
