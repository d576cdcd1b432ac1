"""Numeric questions: the number with the highest expected MRA under the forest's distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.tree._tree import Tree

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.features.number_features import NumberFeatures, spread
from tst.diagnostics.forest.features.target_encoding import inner_folds
from tst.diagnostics.forest.models.extra_trees import grow_trees
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

LEAF = 10
MAX_CANDIDATES = 320


@dataclass
class TypeForest:
    """The trees of one question type and, per tree, each leaf's mean MRA of every candidate.

    grid: candidate numbers (g,); by_leaf: per tree float32 (nodes, g)
    """

    trees: list[Tree]
    grid: np.ndarray
    by_leaf: list[np.ndarray]

    def predict(self, columns: np.ndarray) -> np.ndarray:
        """The candidate with the highest expected MRA, (r,)."""
        expected = np.zeros((len(columns), len(self.grid)), dtype=np.float32)
        for tree, scores in zip(self.trees, self.by_leaf, strict=True):
            expected += scores[tree.apply(columns)]
        return self.grid[np.argmax(expected, axis=1)]


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


class NumberModel:
    """One forest per question type.

    The training answers that share leaves with a question are its predictive distribution; the
    number with the highest expected MRA under it is predicted.
    """

    def __init__(self, settings: ForestSettings, rules: ScoringRules, n_jobs: int = 1) -> None:
        self.settings = settings
        self.n_jobs = n_jobs
        self.rules = rules
        self.features = NumberFeatures(settings.prior)

    def fit(self, questions: QuestionArrays, answers: np.ndarray, seed: int) -> NumberModel:
        """answers: the gold number of each question, (n,)."""
        fold = inner_folds(questions.units, self.settings.inner_folds, seed)
        columns = self.features.fit(questions, answers, fold, self.settings.inner_folds)
        self._constant = self.rules.best_number(answers)
        self._forests = {
            int(kind): self._grow(
                columns[questions.types == kind], answers[questions.types == kind], seed
            )
            for kind in np.unique(questions.types)
        }
        return self

    def predict(self, columns: np.ndarray, types: np.ndarray) -> np.ndarray:
        """Predicted numbers (n,) from ``features.transform``; unseen types get a constant."""
        predicted = np.full(len(columns), self._constant)
        for kind in np.unique(types):
            forest = self._forests.get(int(kind))
            if forest is not None:
                predicted[types == kind] = forest.predict(columns[types == kind])
        return predicted

    def predict_permuted(
        self, columns: np.ndarray, types: np.ndarray, seed: int
    ) -> dict[str, np.ndarray]:
        """The same with the columns of one feature family permuted within each type, by family."""
        draws = np.random.default_rng(seed).random(len(types))
        drawn, given = np.lexsort((draws, types)), np.argsort(types, kind="stable")
        other = np.empty(len(types), dtype=np.int64)
        other[given] = drawn
        families = np.array([name.split(".")[0] for name in self.features.names])
        permuted = {}
        for family in np.unique(families):
            swapped = families == family
            changed = columns.copy()
            changed[:, swapped] = columns[other][:, swapped]
            permuted[str(family)] = self.predict(changed, types)
        return permuted

    def _grow(self, columns: np.ndarray, answers: np.ndarray, seed: int) -> TypeForest:
        if len(answers) > self.settings.max_rows:
            kept = np.random.default_rng(seed).permutation(len(answers))[: self.settings.max_rows]
            columns, answers = columns[kept], answers[kept]
        grid = candidates(answers)
        scores = self.rules.score_numbers(grid[None, :], answers[:, None]).astype(np.float32)
        trees = grow_trees(
            columns,
            spread(answers),
            trees=self.settings.trees,
            leaf=LEAF,
            max_features=0.4,
            seed=seed,
            n_jobs=self.n_jobs,
        )
        by_leaf = []
        rows = np.arange(len(answers))
        for tree in trees:
            leaf = tree.apply(columns)
            share = (1.0 / np.bincount(leaf)[leaf]).astype(np.float32)
            mean = csr_matrix((share, (leaf, rows)), shape=(leaf.max() + 1, len(rows)))
            by_leaf.append(np.asarray(mean @ scores))
        return TypeForest(trees, grid, by_leaf)
