"""The features of every option of every question, fitted on training questions and answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.features.encoding_keys import option_claims, option_keys
from tst.diagnostics.forest.features.sibling_features import sibling_keys, sibling_surface
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
        {**option_keys(questions, masked), **sibling_keys(questions, masked)},
        option_claims(questions, masked),
        {**surface_features(questions, masked), **sibling_surface(questions)},
    )


class OptionFeatures:
    """Surface features and nested encodings, columns named family.what.

    Answers are seen in ``fit`` alone.
    """

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(
        self,
        text: OptionText,
        correct: np.ndarray,
        fold: np.ndarray,
        n_folds: int,
        rows: np.ndarray | None = None,
    ) -> OptionFeatures:
        """Count the answers of training questions.

        correct: 1 for the gold option, else 0, (m,); fold: inner fold of each option, (m,)
        rows: positions of the options that ``of_training`` is for, (k,); None for all
        """
        surface = text.surface.values()
        self._surface = [column if rows is None else column[rows] for column in surface]
        baseline = text.questions.baseline
        self.lifts = {
            name: LiftEncoding(self.prior).fit(key, correct, baseline, fold, n_folds, rows)
            for name, key in text.keys.items()
        }
        self.odds = {
            name: ClaimEncoding(self.prior).fit(claims, correct, fold, n_folds, rows)
            for name, claims in text.claims.items()
        }
        self.names, self.n_surface = list(text.surface), len(text.surface)
        self.names += [f"{name}_{what}" for name in self.lifts for what in ("lift", "count")]
        self.names += [f"{name}_{what}" for name in self.odds for what in ("odds", "count")]
        return self

    def of_training(self, without: int | None = None) -> np.ndarray:
        """Features of the training options, out of fold, float32 (k, f).

        without: an inner fold whose answers no row may see
        """
        encoded = [lift.of_training(without) for lift in self.lifts.values()]
        encoded += [odds.of_training(without) for odds in self.odds.values()]
        return self._stack(self._surface, encoded)

    def transform(self, text: OptionText) -> np.ndarray:
        """Features of held-out options, float32 (m, f) in the order of ``names``."""
        size = len(text.questions.option)
        encoded = [lift.transform(text.keys[name]) for name, lift in self.lifts.items()]
        for name, odds in self.odds.items():
            encoded.append(odds.transform(text.claims.get(name, NO_CLAIMS), size))
        return self._stack(list(text.surface.values()), encoded)

    def _stack(self, surface: list[np.ndarray], encoded: list[np.ndarray]) -> np.ndarray:
        columns = [*surface, *(column for pair in encoded for column in pair.T)]
        return np.stack(columns, axis=1, dtype=np.float32)


NO_CLAIMS = Claims(np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0))
"""The claims of options that make none."""
