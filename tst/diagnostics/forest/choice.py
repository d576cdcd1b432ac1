"""Multiple choice: which option of a question is right, option by option."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.ensemble import ExtraTreesClassifier

from tst.diagnostics.forest.indicators import Indicators
from tst.diagnostics.forest.logit import SparseLogit, TypedLogit
from tst.diagnostics.forest.option_features import POSITIVE, OptionFeatures
from tst.diagnostics.forest.reading import Reading, read_options
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.sheet import Sheet, take
from tst.diagnostics.forest.slots import TemplateMiner
from tst.diagnostics.forest.splits import inner_folds

FLOOR = 1e-3


@dataclass
class OptionColumns:
    """What the models see of m options: raw and question-centred features, sparse indicators."""

    sheet: Sheet
    values: np.ndarray
    relative: np.ndarray
    sparse: csr_matrix

    def permuted(self, rows: np.ndarray, dense: np.ndarray, sparse: np.ndarray) -> OptionColumns:
        """Some columns (bool masks) taken from other options' rows (m,)."""
        values = np.where(dense, self.values[rows], self.values)
        relative = np.where(dense, self.relative[rows], self.relative)
        kept = self.sparse.multiply(~sparse).tocsr()
        moved = self.sparse[rows].multiply(sparse).tocsr()
        return OptionColumns(self.sheet, values, relative, kept + moved)


class ChoiceModel:
    """Two conditional logits over encodings, one over single texts, and trees, blended in logs."""

    def __init__(self, settings: ForestSettings, n_jobs: int = 1) -> None:
        self.settings = settings
        self.n_jobs = n_jobs

    def fit(self, sheet: Sheet, gold: np.ndarray, seed: int) -> ChoiceModel:
        """gold: index of the right option of each question, (n,)."""
        s = self.settings
        correct = np.zeros(len(sheet.option))
        correct[sheet.start[:-1] + gold] = 1.0
        fold = inner_folds(sheet.units, s.inner_folds, seed)[sheet.owner]
        self._miner = TemplateMiner().fit(sheet)
        reading = read_options(sheet, self._miner)
        self.features = OptionFeatures(s.prior)
        values = self.features.fit(reading, correct, fold, s.inner_folds)
        if len(sheet) > s.max_rows:  # statistics use all questions, models a sample of them
            kept = np.sort(np.random.default_rng(seed).permutation(len(sheet))[: s.max_rows])
            sheet, rows = take(sheet, kept)
            reading = read_options(sheet, self._miner)
            values, correct = values[rows], correct[rows]
        relative = sheet.relative_all(values)
        self._scale = relative.std(0) + 1e-6
        relative /= self._scale
        names = self.features.names
        self._in_logit = np.array([not name.endswith("_count") for name in names])
        positive = np.array([name.endswith(POSITIVE) for name in names])[self._in_logit]
        self._free = TypedLogit(s.logit_penalty, 3 * s.logit_penalty)
        self._free.fit(relative[:, self._in_logit], sheet, correct)
        self._bound = TypedLogit(s.logit_penalty, 10 * s.logit_penalty, positive)
        self._bound.fit(relative[:, self._in_logit], sheet, correct)
        self.indicators = Indicators()
        sparse = self.indicators.fit(reading)
        self._sparse = SparseLogit(s.sparse_penalty).fit(sparse, sheet, correct)
        self._kinds = np.unique(sheet.types)
        self._trees = ExtraTreesClassifier(
            s.trees,
            min_samples_leaf=s.leaf,
            max_features=0.1,
            n_jobs=self.n_jobs,
            random_state=seed,
        ).fit(self._tree_columns(OptionColumns(sheet, values, relative, sparse)), correct > 0)
        return self

    def read(self, sheet: Sheet) -> tuple[Reading, OptionColumns]:
        """What is known of held-out questions."""
        reading = read_options(sheet, self._miner)
        values = self.features.transform(reading)
        relative = sheet.relative_all(values) / self._scale
        columns = OptionColumns(sheet, values, relative, self.indicators.transform(reading))
        return reading, columns

    def predict(self, columns: OptionColumns) -> np.ndarray:
        """Probability of every option, (m,), summing to 1 over each question's."""
        sheet, dense = columns.sheet, columns.relative[:, self._in_logit]
        tree_share = self._trees.predict_proba(self._tree_columns(columns))[:, 1]
        blend = (
            (0.4, self._free.decide(dense, sheet)),
            (0.4, self._bound.decide(dense, sheet)),
            (0.15, self._sparse.decide(columns.sparse)),
            (0.25, np.log(tree_share + FLOOR)),
        )
        logs = sum(w * np.log(sheet.softmax(utility) + FLOOR) for w, utility in blend)
        return sheet.softmax(np.asarray(logs))

    def contributions(self, columns: OptionColumns, rows: np.ndarray) -> np.ndarray:
        """What each feature adds to the mean utility of some options, (r, f)."""
        questions = columns.sheet.owner[rows]
        pull = np.zeros((len(rows), len(self._in_logit)))
        both = (self._free.weights(columns.sheet) + self._bound.weights(columns.sheet)) / 2
        pull[:, self._in_logit] = columns.relative[rows][:, self._in_logit] * both[questions]
        return pull

    def _tree_columns(self, columns: OptionColumns) -> np.ndarray:
        sheet = columns.sheet
        kinds = sheet.types[sheet.owner][:, None] == self._kinds
        count = sheet.n_options[sheet.owner][:, None]
        return np.hstack([columns.values, columns.relative, count, kinds]).astype(np.float32)
