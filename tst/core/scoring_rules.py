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
    open: match: an open answer scores 1 where it equals an accepted one; vqa: min(1, k / 3), where
        k of the accepted entries equal it (VQA accuracy, Antol et al., ICCV 2015); auto: vqa for
        questions of which an accepted answer is repeated, as annotators give them
    """

    mra_inclusive: bool = False
    open: str = "auto"

    def score_numbers(self, predicted: np.ndarray, gold: np.ndarray) -> np.ndarray:
        """The MRA of predicted numbers, element by element; shapes broadcast."""
        return mean_relative_accuracy(predicted, gold, self.mra_inclusive)

    def best_number(self, gold: np.ndarray) -> float:
        """The number that scores highest over all of ``gold`` (n,); NaN when there is none."""
        return best_constant(gold, self.mra_inclusive)

    def score_text(self, predicted: str | None, accepted: list[str]) -> float:
        """The score of an open answer, 0 to 1."""
        if self.open == "match" or (self.open == "auto" and not _is_repeated(accepted)):
            return float(text_matches(predicted, accepted))
        return min(1.0, sum(text_matches(predicted, [text]) for text in accepted) / ENOUGH)


ENOUGH = 3
"""Annotators who agree with an answer that counts fully."""


def _is_repeated(accepted: list[str]) -> bool:
    """Whether an entry stands there again to the letter; "vase" and "a vase" are two spellings."""
    return len(set(accepted)) < len(accepted)


DEFAULT_RULES = ScoringRules()
"""Of a diagnostic that is built without a config."""
