import numpy as np
import pandas as pd

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.pruning.figures import write_figures
from tst.pruning.loop import Iteration, Pruning

NAN = float("nan")


def test_figures_are_drawn_for_every_format(tmp_path):
    rows = plant_rows(48, 0)
    rows.append({"id": "open", "question_type": "o", "format": "open", "question": "What?",
                 "options": None, "answer": ["a vase"], "metadata": {}})  # fmt: skip
    frame = build_table("made", rows).frame
    kept = np.arange(10, len(frame))
    iterations = [
        Iteration(0, len(frame), [0], 0.6, 0.5, 0.25, 0.47, 0.3, 0.9, 0.8, list("abcdefghij"), 1.0),
        Iteration(1, len(kept), [0], 0.5, 0.4, 0.25, 0.3, 0.2, NAN, NAN, [], 1.0),
    ]
    write_figures(
        tmp_path,
        frame,
        Pruning(np.arange(10), kept, "budget", iterations, *(pd.DataFrame() for _ in range(3))),
    )
    assert {path.name for path in tmp_path.iterdir()} == {"curve.png", "types.png", "answers.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())
