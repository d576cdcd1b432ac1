"""A small question table whose scores are computed by hand, and a plan of two folds for it."""

import numpy as np
import pandas as pd

from tst.core.folds import FoldPlan
from tst.core.questions import build_table

# type, format, number of options, answer, fold that holds it out
QUESTIONS = [
    ("colour", "mc", 4, 2, 0),
    ("colour", "mc", 4, 2, 0),
    ("colour", "mc", 4, 1, 1),
    ("colour", "mc", 4, 1, 1),
    ("colour", "mc", 4, 2, 1),
    ("side", "mc", 2, 1, 0),
    ("side", "mc", 2, 0, 1),
    ("side", "mc", 2, 1, 1),
    ("length", "num", 0, 10.0, 0),
    ("length", "num", 0, 14.0, 0),
    ("length", "num", 0, 10.0, 1),
    ("length", "num", 0, 10.0, 1),
    ("name", "open", 0, ["Yes", "yeah"], 0),
    ("name", "open", 0, ["blue"], 0),
    ("name", "open", 0, ["Blue", "navy"], 1),
    ("name", "open", 0, ["Blue"], 1),
    ("name", "open", 0, ["red"], 1),
    ("rare", "mc", 3, 1, 0),  # a type that no training fold has when fold 0 is held out
]


def hand_table() -> pd.DataFrame:
    """The questions above, in this order."""
    rows = [
        {
            "id": f"q{i:02d}", "question_type": question_type, "format": kind,
            "question": f"Question {i}?", "answer": answer,
            "options": [f"option {j}" for j in range(n_options)] if kind == "mc" else None,
        }
        for i, (question_type, kind, n_options, answer, _) in enumerate(QUESTIONS)
    ]  # fmt: skip
    return build_table("by hand", rows).frame


def hand_plan(repeats: int = 1) -> FoldPlan:
    """The folds above; a second repeat holds out the other way round."""
    fold = np.array([fold for *_, fold in QUESTIONS])
    n = np.arange(len(fold))
    assignment = np.stack([fold if r % 2 == 0 else 1 - fold for r in range(repeats)])
    return FoldPlan(2, 0, None, "type", assignment, n.astype(str).astype(object), n)
