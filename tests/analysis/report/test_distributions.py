import json

import numpy as np
import pandas as pd
import pytest

from tst.analysis.report.distributions import histogram, joint_histogram, reliability


def ask(p: list[float], answer: int, kind: str = "mc") -> dict[str, object]:
    return {"format": kind, "p_options": json.dumps(p), "answer": str(answer)}


def test_reliability_of_a_calibrated_and_of_a_sure_model() -> None:
    right = [ask([0.8, 0.2], 0)] * 8 + [ask([0.8, 0.2], 1)] * 2
    calibrated = reliability(pd.DataFrame(right), "p_options")
    assert calibrated is not None
    assert calibrated["ece"] == pytest.approx(0.0)
    sure = [ask([1.0, 0.0], i % 2) for i in range(10)]
    wrong = reliability(pd.DataFrame(sure), "p_options")
    assert wrong is not None
    assert wrong["ece"] == pytest.approx(0.5)
    assert wrong["bins"][0]["n"] == 10


def test_reliability_needs_options() -> None:
    numbers = pd.DataFrame([{"format": "num", "p_options": None, "answer": "2.0"}])
    assert reliability(numbers, "p_options") is None


def test_histogram_counts_every_question_once() -> None:
    rng = np.random.default_rng(0)
    scores = np.append(rng.random(98), [0.0, 1.0])
    frame = pd.DataFrame({"format": ["mc", "num"] * 50, "s": scores})
    bars = histogram(frame, "s", 0.0, 1.0)
    assert sum(b["n"] for b in bars) == 100
    assert {b["format"] for b in bars} == {"mc", "num"}


def test_joint_histogram_leaves_out_what_is_not_known() -> None:
    frame = pd.DataFrame({"s": [0.1, 0.9, 0.5], "s_zero_shot": [0.1, 0.2, np.nan]})
    assert sum(cell["n"] for cell in joint_histogram(frame)) == 2
