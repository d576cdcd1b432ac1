"""The features of every option of every question, fitted on training questions and answers."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.target_encoding import ClaimEncoding, LiftEncoding
from tst.diagnostics.forest.features.text_features import Reading

POSITIVE = ("_lift", "_odds")


class OptionFeatures:
    """Cues and nested encodings, columns named family.what; answers are seen in fit alone."""

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(
        self, reading: Reading, correct: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> np.ndarray:
        """Learn from training questions; returns their own features, out of fold, float32 (m, f).

        correct: 1 for the gold option, else 0, (m,); fold: inner fold of each option, (m,)
        """
        baseline = reading.sheet.baseline
        self.lifts = {
            name: LiftEncoding(self.prior).fit(key, correct, baseline, fold, n_folds)
            for name, key in reading.keys.items()
        }
        self.odds = {
            name: ClaimEncoding(self.prior).fit(claims, correct, fold, n_folds)
            for name, claims in reading.claims.items()
        }
        columns = self._columns(reading, fold)
        self.names = list(columns)
        return _stack(columns, self.names, len(correct))

    def transform(self, reading: Reading) -> np.ndarray:
        """Features of held-out questions, float32 (m, f) in the order of ``names``."""
        return _stack(self._columns(reading, None), self.names, len(reading.sheet.option))

    def _columns(self, reading: Reading, fold: np.ndarray | None) -> dict[str, np.ndarray]:
        size = len(reading.sheet.option)
        columns = dict(reading.cues)
        for name, lift in self.lifts.items():
            encoded = lift.transform(reading.keys.get(name, np.zeros(size, np.uint64)), fold)
            columns[f"{name}_lift"], columns[f"{name}_count"] = encoded.T
        for name, odds in self.odds.items():
            if name in reading.claims:
                encoded = odds.transform(reading.claims[name], size, fold)
                columns[f"{name}_odds"], columns[f"{name}_count"] = encoded.T
        return columns


def _stack(columns: dict[str, np.ndarray], names: list[str], size: int) -> np.ndarray:
    stacked = np.zeros((size, len(names)), dtype=np.float32)
    for place, name in enumerate(names):
        if name in columns:
            stacked[:, place] = columns[name]
    return stacked
