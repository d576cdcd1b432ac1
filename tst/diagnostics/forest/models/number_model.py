"""Numeric questions: the number with the highest expected MRA under the models' distributions."""

from __future__ import annotations

import numpy as np

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.features.number_features import NumberFeatures
from tst.diagnostics.forest.features.target_encoding import inner_folds
from tst.diagnostics.forest.models.contributions import SHORTCUTS, of_trees, shortcut_columns
from tst.diagnostics.forest.models.number_forest import NumberForest
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.shortcuts import NUMBERS
from tst.diagnostics.forest.text.question_arrays import QuestionArrays


class NumberModel:
    """One ``NumberForest`` per question type; a type without training questions gets a constant."""

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

    def contributions(self, columns: np.ndarray, types: np.ndarray) -> np.ndarray:
        """How far each shortcut moves a prediction from its type's mean, on the scale of
        ``spread``, (n, shortcuts).
        """
        names = self.features.names
        of_column = shortcut_columns(names, np.arange(len(names)), NUMBERS)
        moved = np.zeros((len(columns), len(SHORTCUTS)))
        for kind in np.unique(types):
            forest = self._forests.get(int(kind))
            if forest is not None:
                own = types == kind
                moved[own] = np.abs(of_trees(forest.trees, columns[own]) @ of_column)
        return moved

    def _grow(self, columns: np.ndarray, answers: np.ndarray, seed: int) -> NumberForest:
        if len(answers) > self.settings.max_rows:
            kept = np.random.default_rng(seed).permutation(len(answers))[: self.settings.max_rows]
            columns, answers = columns[kept], answers[kept]
        forest = NumberForest(self.settings.trees, self.n_jobs)
        return forest.fit(columns, answers, self.rules, seed)
