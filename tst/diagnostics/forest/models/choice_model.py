"""Multiple choice: which option of a question is right, option by option."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from tst.diagnostics.forest.features.indicators import Indicators
from tst.diagnostics.forest.features.option_features import (
    POSITIVE,
    OptionFeatures,
    OptionText,
    read_options,
)
from tst.diagnostics.forest.features.target_encoding import inner_folds
from tst.diagnostics.forest.models.conditional_logit import SparseLogit, TypedLogit
from tst.diagnostics.forest.models.extra_trees import grow_trees, mean_prediction
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, take
from tst.diagnostics.forest.text.templates import TemplateMiner

FLOOR = 1e-3
BLEND = (0.35, 0.4, 0.15, 0.3)  # free logit, bound logit, single texts, trees: log weights


@dataclass
class OptionColumns:
    """What the models see of m options: raw and question-centred features, sparse indicators."""

    questions: QuestionArrays
    values: np.ndarray
    relative: np.ndarray
    sparse: csr_matrix


class ChoiceModel:
    """Two conditional logits over encodings, one over single texts, and trees, blended in logs."""

    def __init__(self, settings: ForestSettings, n_jobs: int = 1) -> None:
        self.settings = settings
        self.n_jobs = n_jobs

    def fit(self, questions: QuestionArrays, gold: np.ndarray, seed: int) -> ChoiceModel:
        """gold: index of the right option of each question, (n,)."""
        s = self.settings
        correct = np.zeros(len(questions.option))
        correct[questions.start[:-1] + gold] = 1.0
        fold = inner_folds(questions.units, s.inner_folds, seed)[questions.owner]
        self._miner = TemplateMiner().fit(questions)
        text = read_options(questions, self._miner)
        self.features = OptionFeatures(s.prior)
        values = self.features.fit(text, correct, fold, s.inner_folds)
        if len(questions) > s.max_rows:  # statistics use all questions, models a sample of them
            kept = np.sort(np.random.default_rng(seed).permutation(len(questions))[: s.max_rows])
            questions, rows = take(questions, kept)
            text = read_options(questions, self._miner)
            values, correct = values[rows], correct[rows]
        relative = questions.relative_all(values)
        self._scale = relative.std(0) + 1e-6
        relative /= self._scale
        names = self.features.names
        self._in_logit = np.array([not name.endswith("_count") for name in names])
        positive = np.array([name.endswith(POSITIVE) for name in names])[self._in_logit]
        self._free = TypedLogit(1.5 * s.logit_penalty, 10 * s.logit_penalty)
        self._free.fit(relative[:, self._in_logit], questions, correct)
        self._bound = TypedLogit(s.logit_penalty, 10 * s.logit_penalty, positive)
        self._bound.fit(relative[:, self._in_logit], questions, correct)
        self.indicators = Indicators()
        sparse = self.indicators.fit(text)
        self._sparse = SparseLogit(s.sparse_penalty).fit(sparse, questions, correct)
        self._kinds = np.unique(questions.types)
        self._trees = grow_trees(
            self._tree_columns(OptionColumns(questions, values, relative, sparse)),
            correct,
            trees=s.trees,
            leaf=s.leaf,
            max_features=0.1,
            seed=seed,
            n_jobs=self.n_jobs,
        )
        return self

    def read(self, questions: QuestionArrays) -> tuple[OptionText, OptionColumns]:
        """What is known of held-out questions."""
        text = read_options(questions, self._miner)
        values = self.features.transform(text)
        relative = questions.relative_all(values) / self._scale
        columns = OptionColumns(questions, values, relative, self.indicators.transform(text))
        return text, columns

    def predict(self, columns: OptionColumns) -> np.ndarray:
        """Probability of every option, (m,), summing to 1 over each question's."""
        return self._blend(columns.questions, [self._linear(columns), self._tree_logs(columns)])

    def predict_permuted(self, columns: OptionColumns, seed: int) -> dict[str, np.ndarray]:
        """The same with the columns of one feature family permuted, by family.

        Permuted among the options of questions of one type with equally many options.
        """
        rows = permuted_rows(columns.questions, np.random.default_rng(seed))
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
            changed = OptionColumns(columns.questions, values, relative, columns.sparse)
            tree_logs = self._tree_logs(changed) if swapped.any() else self._tree_logs(columns)
            parts = [u + d for u, d in zip(linear, shift, strict=True)]
            permuted[family] = self._blend(columns.questions, [parts, tree_logs])
        return permuted

    def contributions(self, columns: OptionColumns, rows: np.ndarray) -> np.ndarray:
        """What each feature adds to the mean utility of some options, (r, f)."""
        both = (self._free.weights(columns.questions) + self._bound.weights(columns.questions)) / 2
        return columns.relative[rows] * self._all_columns(both)[columns.questions.owner[rows]]

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
            weights = self._all_columns(logit.weights(columns.questions))[:, kept]
            values = columns.relative[:, kept]
            utilities.append(np.einsum("mf,mf->m", values, weights[columns.questions.owner]))
        weights = self._sparse.weights if sparse is None else self._sparse.weights * sparse
        return [*utilities, columns.sparse @ weights]

    def _tree_logs(self, columns: OptionColumns) -> list[np.ndarray]:
        share = mean_prediction(self._trees, self._tree_columns(columns))
        return [np.log(share + FLOOR)]

    def _blend(self, questions: QuestionArrays, utilities: list[list[np.ndarray]]) -> np.ndarray:
        flat = [utility for group in utilities for utility in group]
        logs = np.zeros(len(questions.option))
        for weight, utility in zip(BLEND, flat, strict=True):
            logs += weight * np.log(questions.softmax(utility) + FLOOR)
        return questions.softmax(logs)

    def _all_columns(self, weights: np.ndarray) -> np.ndarray:
        full = np.zeros((len(weights), len(self._in_logit)))
        full[:, self._in_logit] = weights
        return full

    def _tree_columns(self, columns: OptionColumns) -> np.ndarray:
        questions = columns.questions
        kinds = questions.types[questions.owner][:, None] == self._kinds
        count = questions.n_options[questions.owner][:, None]
        return np.hstack([columns.values, columns.relative, count, kinds]).astype(np.float32)


def permuted_rows(questions: QuestionArrays, rng: np.random.Generator) -> np.ndarray:
    """For each option, one drawn from questions of its type and size, each drawn once, (m,)."""
    stratum = combine(questions.types, questions.n_options)[questions.owner]
    rows = np.empty(len(stratum), dtype=np.int64)
    rows[np.argsort(stratum, kind="stable")] = np.lexsort((rng.random(len(stratum)), stratum))
    return rows
