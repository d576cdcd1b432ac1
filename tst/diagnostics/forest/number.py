"""Numeric questions: the number with the highest expected MRA under the forest's distribution."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.ensemble import ExtraTreesRegressor

from tst.diagnostics.forest.expected_mra import candidates, mra
from tst.diagnostics.forest.number_features import NumberFeatures, spread
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.sheet import Sheet
from tst.diagnostics.forest.splits import inner_folds


class NumberModel:
    """One forest a question type; the leaves say which training answers are alike."""

    def __init__(self, settings: ForestSettings, n_jobs: int = 1) -> None:
        self.settings = settings
        self.n_jobs = n_jobs

    def fit_predict(
        self, sheet: Sheet, answers: np.ndarray, heldout: Sheet, seed: int
    ) -> np.ndarray:
        """Predicted numbers (n_heldout,) from training answers (n,)."""
        fold = inner_folds(sheet.units, self.settings.inner_folds, seed)
        features = NumberFeatures(self.settings.prior)
        train = features.fit(sheet, answers, fold, self.settings.inner_folds)
        columns = features.transform(heldout)
        predicted = np.full(len(heldout), _constant(answers))
        for kind in np.unique(heldout.types):
            rows, wanted = np.flatnonzero(sheet.types == kind), heldout.types == kind
            if len(rows):
                predicted[wanted] = self._predict_type(
                    train[rows], answers[rows], columns[wanted], seed
                )
        return predicted

    def _predict_type(
        self, train: np.ndarray, answers: np.ndarray, columns: np.ndarray, seed: int
    ) -> np.ndarray:
        if len(answers) > self.settings.max_rows:
            kept = np.random.default_rng(seed).permutation(len(answers))[: self.settings.max_rows]
            train, answers = train[kept], answers[kept]
        grid = candidates(answers)
        scores = mra(grid[None, :], answers[:, None])
        forest = ExtraTreesRegressor(
            self.settings.trees,
            min_samples_leaf=10,
            max_features=0.4,
            n_jobs=self.n_jobs,
            random_state=seed,
        ).fit(train, spread(answers))
        train_leaves, leaves = forest.apply(train), forest.apply(columns)
        expected = np.zeros((len(columns), len(grid)))
        rows = np.arange(len(answers))
        for tree in range(train_leaves.shape[1]):
            size = train_leaves[:, tree].max() + 1
            count = np.bincount(train_leaves[:, tree], minlength=size)
            share = 1.0 / count[train_leaves[:, tree]]
            by_leaf = csr_matrix((share, (train_leaves[:, tree], rows)), shape=(size, len(rows)))
            expected += (by_leaf @ scores)[leaves[:, tree]]
        return grid[np.argmax(expected, axis=1)]


def _constant(answers: np.ndarray) -> float:
    """The constant with the highest mean MRA."""
    grid = candidates(answers)
    return float(grid[np.argmax(mra(grid[None, :], answers[:, None]).mean(0))])
