"""What a fold's answers are read with, kept beside its adapter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tst.diagnostics.llm.scoring.calibration import Calibration
from tst.diagnostics.llm.scoring.fold_reading import FoldReading, count_answers
from tst.diagnostics.llm.scoring.number_candidates import SLOTS


def train() -> pd.DataFrame:
    rows = [
        {"question_type": "a", "format": "mc", "options": list("xyz"), "answer": 2 if i % 5 else 0}
        for i in range(60)
    ]
    rows += [
        {"question_type": "ü", "format": "num", "options": None, "answer": float(i % 7) + 0.5}
        for i in range(40)
    ]
    return pd.DataFrame(rows)


def test_what_is_saved_is_read_back(tmp_path):
    reading = count_answers(train(), letters=False)
    reading.head = np.arange(12, dtype=np.float32).reshape(4, 3)
    reading.calibrations = {"mc": Calibration(2.0, 0.25), "num": Calibration(0.5, 0.0)}
    reading.text_share = 0.75
    reading.save(tmp_path)
    again = FoldReading.load(tmp_path)
    np.testing.assert_array_equal(again.head, reading.head)
    assert again.calibrations == reading.calibrations and again.text_share == 0.75
    scores = np.array([0.3, -1.0, 2.0])
    for name in ("a", "unseen"):
        np.testing.assert_allclose(
            again.option_probabilities(name, scores), reading.option_probabilities(name, scores)
        )
    slots, texts = np.random.default_rng(0).standard_normal((2, SLOTS))
    for before, after in zip(
        reading.number_probabilities("ü", slots, texts),
        again.number_probabilities("ü", slots, texts),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)


def test_without_scores_options_are_as_likely_as_they_were_counted():
    reading = count_answers(train(), letters=False)
    p = reading.option_probabilities("a", np.zeros(3))
    assert p[2] == pytest.approx(0.8, abs=0.03) and p.sum() == pytest.approx(1.0)
    letters = count_answers(train(), letters=True)
    np.testing.assert_allclose(letters.option_probabilities("a", np.zeros(3)), 1 / 3)
    np.testing.assert_allclose(
        FoldReading.untrained().option_probabilities("a", np.array([0.0, np.log(2.0)])),
        [1 / 3, 2 / 3],
    )


def test_a_fold_without_choices_has_no_head(tmp_path):
    count_answers(train().head(0), letters=True).save(tmp_path)
    again = FoldReading.load(tmp_path)
    assert again.head is None and again.positions is None and not again.numbers.values
