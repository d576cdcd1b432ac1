"""Multiple choice: which option of a question is right, option by option."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from tst.diagnostics.forest.features.indicators import Indicators
from tst.diagnostics.forest.features.option_features import POSITIVE, OptionFeatures
from tst.diagnostics.forest.features.text_features import Reading, read_options
from tst.diagnostics.forest.models.conditional_logit import SparseLogit, TypedLogit
from tst.diagnostics.forest.models.extra_trees import grow, mean_prediction
from tst.diagnostics.forest.models.inner_splits import inner_folds
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Sheet, take
from tst.diagnostics.forest.text.templates import TemplateMiner

FLOOR = 1e-3
BLEND = (0.35, 0.4, 0.15, 0.3)  # free logit, bound logit, single texts, trees: log weights


@dataclass
class OptionColumns:
    """What the models see of m options: raw and question-centred features, sparse indicators."""

    sheet: Sheet
    values: np.ndarray
    relative: np.ndarray
    sparse: csr_matrix


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
        self._free = TypedLogit(1.5 * s.logit_penalty, 10 * s.logit_penalty)
        self._free.fit(relative[:, self._in_logit], sheet, correct)
        self._bound = TypedLogit(s.logit_penalty, 10 * s.logit_penalty, positive)
        self._bound.fit(relative[:, self._in_logit], sheet, correct)
        self.indicators = Indicators()
        sparse = self.indicators.fit(reading)
        self._sparse = SparseLogit(s.sparse_penalty).fit(sparse, sheet, correct)
        self._kinds = np.unique(sheet.types)
        self._trees = grow(
            self._tree_columns(OptionColumns(sheet, values, relative, sparse)),
            correct,
            trees=s.trees,
            leaf=s.leaf,
            max_features=0.1,
            seed=seed,
            n_jobs=self.n_jobs,
        )
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
        return self._blend(columns.sheet, [self._linear(columns), self._grown(columns)])

    def predict_permuted(self, columns: OptionColumns, seed: int) -> dict[str, np.ndarray]:
        """Per feature family, the same with its columns permuted among the options of questions
        alike: of one type, with as many options.
        """
        rows = permuted_rows(columns.sheet, np.random.default_rng(seed))
        linear = self._linear(columns)
        dense_family = np.array([name.split(".")[0] for name in self.features.names])
        permuted = {}
        for family in sorted({*dense_family.tolist(), *self.indicators.families.tolist()}):
            moved = self._linear(
                columns, dense_family == family, self.indicators.families == family
            )
            shift = [part[rows] - part for part in moved]
            values, relative = columns.values.copy(), columns.relative.copy()
            swapped = dense_family == family
            values[:, swapped] = values[rows][:, swapped]
            relative[:, swapped] = relative[rows][:, swapped]
            changed = OptionColumns(columns.sheet, values, relative, columns.sparse)
            grown = self._grown(changed) if swapped.any() else self._grown(columns)
            parts = [u + d for u, d in zip(linear, shift, strict=True)]
            permuted[family] = self._blend(columns.sheet, [parts, grown])
        return permuted

    def contributions(self, columns: OptionColumns, rows: np.ndarray) -> np.ndarray:
        """What each feature adds to the mean utility of some options, (r, f)."""
        both = (self._free.weights(columns.sheet) + self._bound.weights(columns.sheet)) / 2
        return columns.relative[rows] * self._all_columns(both)[columns.sheet.owner[rows]]

    def _linear(
        self,
        columns: OptionColumns,
        dense: np.ndarray | None = None,
        sparse: np.ndarray | None = None,
    ) -> list[np.ndarray]:
        """Utilities (m,) of the three logits, or what some columns (bool masks) add to them."""
        kept = self._in_logit if dense is None else self._in_logit & dense
        utilities = []
        for logit in (self._free, self._bound):
            weights = self._all_columns(logit.weights(columns.sheet))[:, kept]
            values = columns.relative[:, kept]
            utilities.append(np.einsum("mf,mf->m", values, weights[columns.sheet.owner]))
        weights = self._sparse.weights if sparse is None else self._sparse.weights * sparse
        return [*utilities, columns.sparse @ weights]

    def _grown(self, columns: OptionColumns) -> list[np.ndarray]:
        share = mean_prediction(self._trees, self._tree_columns(columns))
        return [np.log(share + FLOOR)]

    def _blend(self, sheet: Sheet, utilities: list[list[np.ndarray]]) -> np.ndarray:
        flat = [utility for group in utilities for utility in group]
        logs = np.zeros(len(sheet.option))
        for weight, utility in zip(BLEND, flat, strict=True):
            logs += weight * np.log(sheet.softmax(utility) + FLOOR)
        return sheet.softmax(logs)

    def _all_columns(self, weights: np.ndarray) -> np.ndarray:
        full = np.zeros((len(weights), len(self._in_logit)))
        full[:, self._in_logit] = weights
        return full

    def _tree_columns(self, columns: OptionColumns) -> np.ndarray:
        sheet = columns.sheet
        kinds = sheet.types[sheet.owner][:, None] == self._kinds
        count = sheet.n_options[sheet.owner][:, None]
        return np.hstack([columns.values, columns.relative, count, kinds]).astype(np.float32)


def permuted_rows(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """For each option, some option of the questions alike, each drawn once, (m,)."""
    alike = combine(sheet.types, sheet.n_options)[sheet.owner]
    rows = np.empty(len(alike), dtype=np.int64)
    rows[np.argsort(alike, kind="stable")] = np.lexsort((rng.random(len(alike)), alike))
    return rows
