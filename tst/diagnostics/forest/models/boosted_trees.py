"""Gradient-boosted trees that maximise the probability of the right option of each question."""

from __future__ import annotations

import lightgbm
import numpy as np

from tst.diagnostics.forest.text.question_arrays import QuestionArrays

ROUNDS = 60
SETTINGS = {
    "learning_rate": 0.1,
    "num_leaves": 8,
    "feature_fraction": 0.3,
    "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 1.0,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "feature_pre_filter": False,  # a small training part may have no column left otherwise
    "num_threads": 1,  # the same result on any number of cores
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


def boost(
    columns: np.ndarray, questions: QuestionArrays, correct: np.ndarray, seed: int
) -> lightgbm.Booster:
    """Trees on columns float32 (m, f); the loss is that of a conditional logit.

    correct: 1 for the gold option, else 0, (m,)
    """

    def slopes(margin: np.ndarray, _: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
        share = questions.softmax(margin)
        return share - correct, share * (1.0 - share) + 1e-6

    settings = {**SETTINGS, "seed": seed % 2**31, "objective": slopes}
    data = lightgbm.Dataset(columns, label=correct, params=SETTINGS)
    return lightgbm.train(settings, data, num_boost_round=ROUNDS)


def margins(model: lightgbm.Booster, columns: np.ndarray) -> np.ndarray:
    """The trees' sum for columns float32 (m, f), (m,)."""
    return np.asarray(model.predict(columns, raw_score=True, num_threads=1))
