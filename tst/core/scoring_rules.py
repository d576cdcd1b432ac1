"""Rules of scoring: how an answer is scored against the gold one, and which constant scores best.

One object goes from the config to everything that scores or that aims at a score: held-out scores,
majority, null tests, pruning, people's prediction files, near-duplicates, and the numbers that
diagnostics choose. Whatever scores takes it as a required argument, so that none can forget it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.core.metrics import best_constant, mean_relative_accuracy, text_matches


@dataclass(frozen=True)
class ScoringRules:
    """How numbers and texts are scored (method.md, section 4).

    mra_inclusive: an error equal to a threshold of the MRA counts as inside it, as in VSI-Bench's
        official scorer
    """

    mra_inclusive: bool = False

    def score_numbers(self, predicted: np.ndarray, gold: np.ndarray) -> np.ndarray:
        """The MRA of predicted numbers, element by element; shapes broadcast."""
        return mean_relative_accuracy(predicted, gold, self.mra_inclusive)

    def best_number(self, gold: np.ndarray) -> float:
        """The number that scores highest over all of ``gold`` (n,); NaN when there is none."""
        return best_constant(gold, self.mra_inclusive)

    def score_text(self, predicted: str | None, accepted: list[str]) -> float:
        """1 where the text matches an accepted answer, else 0."""
        return float(text_matches(predicted, accepted))


DEFAULT_RULES = ScoringRules()
"""Of a diagnostic that is built without a config."""
