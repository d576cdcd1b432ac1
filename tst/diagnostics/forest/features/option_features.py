"""The features of every option of every question, fitted on training questions and answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.features.encoding_keys import option_claims, option_keys
from tst.diagnostics.forest.features.surface_features import surface_features
from tst.diagnostics.forest.features.target_encoding import ClaimEncoding, LiftEncoding
from tst.diagnostics.forest.text.question_arrays import Claims, QuestionArrays
from tst.diagnostics.forest.text.templates import TemplateMiner

POSITIVE = ("_lift", "_odds")


@dataclass
class OptionText:
    """What the text of m options says, named family.what: codes (m,), claims and features (m,)."""

    questions: QuestionArrays
    keys: dict[str, np.ndarray]
    claims: dict[str, Claims]
    surface: dict[str, np.ndarray]


def read_options(questions: QuestionArrays, miner: TemplateMiner) -> OptionText:
    """Everything that the option-wise models read, given the templates of the training part."""
    masked = miner.transform(questions)
    return OptionText(
        questions,
        option_keys(questions, masked),
        option_claims(questions, masked),
        surface_features(questions, masked),
    )


class OptionFeatures:
    """Surface features and nested encodings, columns named family.what.

    Answers are seen in ``fit`` alone.
    """

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(
        self, text: OptionText, correct: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> np.ndarray:
        """Learn from training questions; returns their own features, out of fold, float32 (m, f).

        correct: 1 for the gold option, else 0, (m,); fold: inner fold of each option, (m,)
        """
        baseline = text.questions.baseline
        self.lifts = {
            name: LiftEncoding(self.prior).fit(key, correct, baseline, fold, n_folds)
            for name, key in text.keys.items()
        }
        self.odds = {
            name: ClaimEncoding(self.prior).fit(claims, correct, fold, n_folds)
            for name, claims in text.claims.items()
        }
        columns = self._columns(text, fold)
        self.names = list(columns)
        return np.stack(list(columns.values()), axis=1, dtype=np.float32)

    def transform(self, text: OptionText) -> np.ndarray:
        """Features of held-out questions, float32 (m, f) in the order of ``names``."""
        columns = self._columns(text, None)
        return np.stack([columns[name] for name in self.names], axis=1, dtype=np.float32)

    def _columns(self, text: OptionText, fold: np.ndarray | None) -> dict[str, np.ndarray]:
        size = len(text.questions.option)
        columns = dict(text.surface)
        for name, lift in self.lifts.items():
            encoded = lift.transform(text.keys[name], fold)
            columns[f"{name}_lift"], columns[f"{name}_count"] = encoded.T
        for name, odds in self.odds.items():
            claims = text.claims.get(name, NO_CLAIMS)
            encoded = odds.transform(claims, size, fold)
            columns[f"{name}_odds"], columns[f"{name}_count"] = encoded.T
        return columns


NO_CLAIMS = Claims(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0))
"""The claims of options that make none."""
