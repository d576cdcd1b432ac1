"""Whether a model's top probabilities are right as often as they say."""

from __future__ import annotations

import numpy as np
import pandas as pd

BINS = 15
FLOOR_DRAWS = 200


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int) -> float:
    """ECE in percent: |accuracy - mean confidence| per bin, weighted by the bin's share.

    confidence: float array (n,), the top option's probability; correct: (n,) 0 or 1
    Equal-width bins over [0, 1]; Guo et al., "On calibration of modern neural networks", ICML 2017.
    """
    return float(_errors(confidence, np.asarray(correct, dtype=float)[None], bins)[0])


def calibration_floor(confidence: np.ndarray, bins: int, questions: np.ndarray) -> float:
    """The mean ECE, in percent, of a perfectly calibrated model with these top probabilities.

    It is above 0 for a finite number of questions. Mean of FLOOR_DRAWS draws in which each answer
    is right with its own probability; the same draws each time.

    questions: (n,) what each probability is of. The repeats of a question are right or wrong
        together: more of them are no more evidence
    """
    rng = np.random.default_rng(0)
    question, distinct = pd.factorize(questions)
    at_once = max(1, min(FLOOR_DRAWS, 4_000_000 // len(confidence)))  # memory stays bounded
    errors = []
    for start in range(0, FLOOR_DRAWS, at_once):
        shape = (min(at_once, FLOOR_DRAWS - start), len(distinct))
        drawn = rng.random(shape)[:, question] < confidence
        errors.append(_errors(confidence, drawn.astype(float), bins))
    return float(np.concatenate(errors).mean())


def _errors(confidence: np.ndarray, correct: np.ndarray, bins: int) -> np.ndarray:
    """ECE of every row of ``correct`` (draws, n)."""
    place = np.minimum((np.asarray(confidence) * bins).astype(int), bins - 1)
    members = np.eye(bins)[place]
    gaps = np.abs(correct @ members - confidence @ members)
    errors: np.ndarray = 100.0 * gaps.sum(axis=1) / len(confidence)
    return errors
