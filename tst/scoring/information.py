"""Usable information: what a model knows of an answer beyond how often its position is right.

Pointwise V-information (Ethayarajh et al., "Understanding dataset difficulty with V-usable
information", ICML 2022), in bits: log2 p(gold) - log2 p_prior(gold), where the prior knows the
question's type and number of options and how often each position is right in the fold's training
rows (``answer_prior``). Multiple choice alone: a number or a text has no such probability.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from tst.core.diagnostic import Fold
from tst.core.folds import FoldPlan
from tst.scoring.answer_prior import fit_answer_prior
from tst.scoring.calibration import BINS, calibration_floor, expected_calibration_error

SMALLEST = 1e-6
"""Probabilities below this count as this, so that one sure mistake does not outweigh all else."""
FIELDS = ("log_likelihood", "prior_log_likelihood", "uniform_log_likelihood", "ece", "ece_floor")
NO_CHOICES = "only multiple-choice questions have option probabilities"
NOTHING_FOUND = (
    "Nothing was found beyond counting: the mean log-likelihood of the gold option ({:.3f}) is not "
    "above that of {} ({:.3f})."
)


def prior_probabilities(table: pd.DataFrame, plan: FoldPlan, folds: Iterable[Fold]) -> pd.DataFrame:
    """The probability of the gold option under the prior of the question's training folds.

    One row per (question, repeat) of the given folds: columns row, repeat, fold, p_prior (NaN where
    the question is not multiple choice).
    """
    chosen = (table["format"] == "mc").to_numpy()
    types = table["question_type"].to_numpy()
    sizes = np.array([0 if o is None else len(o) for o in table["options"]])
    answers = table["answer"].to_numpy()
    parts = []
    for repeat, fold in folds:
        held = plan.assignment[repeat] == fold
        training = np.flatnonzero(chosen & ~held)
        prior = fit_answer_prior(types[training], sizes[training], answers[training])
        rows = np.flatnonzero(held)
        p = [
            prior.probabilities(types[r], sizes[r])[int(answers[r])] if chosen[r] else np.nan
            for r in rows
        ]
        parts.append(pd.DataFrame({"row": rows, "repeat": repeat, "fold": fold, "p_prior": p}))
    return pd.concat(parts, ignore_index=True)


def information(p_gold: np.ndarray, p_prior: np.ndarray) -> np.ndarray:
    """Bits beyond the prior, element by element; NaN where either probability is."""
    clipped = np.log2(np.maximum(np.asarray(p_gold, dtype=float), SMALLEST))
    bits: np.ndarray = clipped - np.log2(np.maximum(np.asarray(p_prior, dtype=float), SMALLEST))
    return bits


def describe_information(scored: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    """Log-likelihoods and calibration of a set of questions, over its multiple-choice ones.

    scored: one row per (question, repeat) with row, s, hard, p_prior and p_options
    log_likelihood, prior_log_likelihood and uniform_log_likelihood are means in nats of the gold
    option's probability; ece and ece_floor are in percent; ``nothing_beyond_counting`` is a
    sentence, where the model's log-likelihood is not above both others. ``bits_reason`` says why
    all this is NaN.
    """
    known = scored[np.isfinite(scored["p_prior"]) & np.isfinite(scored["s"])]
    if not len(known):
        return {**dict.fromkeys(FIELDS, float("nan")), "bits_reason": NO_CHOICES}
    sizes = np.array([len(o) for o in table["options"].to_numpy()[known["row"]]])
    likelihoods = (
        float(np.log(np.maximum(known["s"], SMALLEST)).mean()),
        float(np.log(np.maximum(known["p_prior"], SMALLEST)).mean()),
        float(-np.log(sizes).mean()),
    )
    result: dict[str, Any] = dict(zip(FIELDS, likelihoods, strict=False))
    top = np.array([max(p) for p in known["p_options"]])
    result["ece"] = expected_calibration_error(top, known["hard"].to_numpy(), BINS)
    result["ece_floor"] = calibration_floor(top, BINS, known["row"].to_numpy())
    own, *counted = likelihoods
    best, name = max(zip(counted, ("answer positions", "uniform guessing"), strict=True))
    if own <= best:
        result["nothing_beyond_counting"] = NOTHING_FOUND.format(own, name, best)
    return result
