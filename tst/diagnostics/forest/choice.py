"""Multiple choice: which option of a question is right, option by option."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

from tst.diagnostics.forest.indicators import Indicators
from tst.diagnostics.forest.logit import ConditionalLogit
from tst.diagnostics.forest.option_features import OptionFeatures
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.sheet import Sheet
from tst.diagnostics.forest.splits import inner_folds

FLOOR = 1e-3


class ChoiceModel:
    """A conditional logit over encodings, one over single texts, and trees, blended in logs."""

    def __init__(self, settings: ForestSettings, n_jobs: int = 1) -> None:
        self.settings = settings
        self.n_jobs = n_jobs

    def fit(self, sheet: Sheet, gold: np.ndarray, seed: int) -> ChoiceModel:
        """gold: index of the right option of each question, (n,)."""
        s = self.settings
        correct = np.zeros(len(sheet.option))
        correct[sheet.start[:-1] + gold] = 1.0
        fold = inner_folds(sheet.units, s.inner_folds, seed)[sheet.owner]
        self._features = OptionFeatures(s.prior)
        values = self._features.fit(sheet, correct, fold, s.inner_folds)
        relative = _relative(sheet, values)
        self._scale = relative.std(0) + 1e-9
        self._dense = ConditionalLogit(s.logit_penalty).fit(relative / self._scale, sheet, correct)
        self._indicators = Indicators(self._features._miner)
        sparse = self._indicators.fit(sheet)
        self._sparse = ConditionalLogit(s.sparse_penalty).fit(sparse, sheet, correct)
        self._kinds = np.unique(sheet.types)
        self._trees = ExtraTreesClassifier(
            s.trees,
            min_samples_leaf=s.leaf,
            max_features=0.1,
            n_jobs=self.n_jobs,
            random_state=seed,
        ).fit(self._tree_columns(sheet, values, relative), correct > 0)
        return self

    def predict(self, sheet: Sheet) -> np.ndarray:
        """Probability of every option, (m,), summing to 1 over each question's."""
        values = self._features.transform(sheet)
        relative = _relative(sheet, values)
        utilities = [
            self._dense.decide(relative / self._scale),
            self._sparse.decide(self._indicators.transform(sheet)),
        ]
        columns = self._tree_columns(sheet, values, relative)
        utilities.append(np.log(self._trees.predict_proba(columns)[:, 1] + FLOOR))
        logs = [np.log(sheet.softmax(u) + FLOOR) for u in utilities]
        return sheet.softmax(logs[0] * 0.5 + logs[1] * 0.2 + logs[2] * 0.5)

    def _tree_columns(self, sheet: Sheet, values: np.ndarray, relative: np.ndarray) -> np.ndarray:
        kinds = sheet.types[sheet.owner][:, None] == self._kinds
        count = sheet.n_options[sheet.owner][:, None]
        return np.hstack([values, relative, count, kinds]).astype(np.float32)


def _relative(sheet: Sheet, values: np.ndarray) -> np.ndarray:
    return np.stack([sheet.relative(v) for v in values.T], axis=1)
