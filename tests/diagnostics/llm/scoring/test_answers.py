"""What the adapters of one fold say, as one answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.llm.scoring.answers import COLUMNS, Scores, read_answers
from tst.diagnostics.llm.scoring.calibration import Calibration
from tst.diagnostics.llm.scoring.choices import ChoiceScores
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.scoring.number_candidates import SLOTS, fit_number_candidates

ANSWERS = [1.0, 2.0, 4.0, 8.0] * 8


def says(option: int, slot_of: float, text: str) -> tuple[Scores, FoldReading]:
    """An adapter that is fairly sure of an option, a number and a text."""
    written = pd.DataFrame([[None, np.nan, np.nan, None, None, True]] * 3, columns=COLUMNS)
    written.index = [7, 3, 5]
    written = written.astype({"p_options": object, "text": object, "generated": object})
    written.iloc[2, 3:] = [text, text + ".", bool(text)]
    numbers = fit_number_candidates(["n"] * len(ANSWERS), ANSWERS)
    values = numbers.of("n")[0]
    sure = np.where(values == slot_of, 5.0, 0.0)
    choices = {
        "mc": ChoiceScores({0: 3.0 * np.eye(3)[option]}, {0: 0.5}),
        "num": ChoiceScores({1: sure}, {}),
    }
    scores = Scores(written, choices, {1: np.zeros(SLOTS)})
    reading = FoldReading(None, numbers, calibrations={"mc": Calibration()}, text_share=0.0)
    return scores, reading


def read(*adapters: tuple[Scores, FoldReading]) -> pd.DataFrame:
    parts, readings = zip(*adapters, strict=True)
    return read_answers(parts, readings, ["a", "n", "o"], DEFAULT_RULES)


def test_one_adapter_speaks_for_itself():
    answers = read(says(2, 4.0, "yes"))
    assert answers.index.tolist() == [7, 3, 5]
    e = np.exp(3.0)
    np.testing.assert_allclose(answers["p_options"][7], np.array([1, 1, e]) / (2 + e))
    assert answers["value"][3] == 4.0 and answers["text"][5] == "yes"
    assert answers["generated"][5] == "yes."


def test_probabilities_are_means_numbers_the_best_and_texts_the_most_frequent():
    adapters = [says(2, 4.0, "yes"), says(0, 8.0, "no"), says(2, 4.0, "no")]
    answers = read(*adapters)
    alone = [read(one) for one in adapters]
    np.testing.assert_allclose(
        answers["p_options"][7], np.mean([own["p_options"][7] for own in alone], axis=0)
    )
    assert answers["letter_mass"][7] == pytest.approx(0.5)
    assert answers["value"][3] == 4.0 and alone[1]["value"][3] == 8.0
    assert answers["text"][5] == "no" and answers["generated"][5] == "yes. | no. | no."
    assert adapters[0][0].written["text"][5] == "yes", "what each wrote stays"


def test_a_text_that_most_could_not_write():
    answers = read(says(0, 1.0, ""), says(0, 1.0, ""), says(0, 1.0, "yes"))
    assert answers["text"][5] == "yes" and answers["parsed"][5]
    nobody = read(says(0, 1.0, ""), says(0, 1.0, ""))
    assert nobody["text"][5] == "" and not nobody["parsed"][5]
