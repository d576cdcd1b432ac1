"""A user's own featuriser, which speaks of some numeric questions only."""

import numpy as np
import pandas as pd
import pytest

from tst.core.questions import build_table
from tst.diagnostics.forest.diagnostic import ForestDiagnostic
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.entities import Facts

SETTINGS = ForestSettings(trees=5)


class Cups:
    """Says how a cup looks, and nothing of other things."""

    def describe(self, question_type, question, options):
        looks = question.split()[-2]
        return Facts(keys={"cups.looks": looks}) if "cup" in question else None


def sizes(thing, n):
    looks = ("red", "old", "flat")
    rows = [
        {
            "id": f"{thing}{i}", "question_type": "size", "format": "num", "options": None,
            "question": f"How large is {thing} {i} that is {looks[i % 3]} ?",
            "answer": float(10 ** (i % 3)), "metadata": {},
        }
        for i in range(n)
    ]  # fmt: skip
    frame = build_table("sizes", rows).frame
    return frame.assign(unit=frame["id"])


def answers(train, heldout):
    diagnostic = ForestDiagnostic(SETTINGS, [f"{__name__}.Cups"], n_jobs=1)
    return diagnostic.fit_predict(train, heldout.drop(columns="answer"), 0)


@pytest.mark.parametrize(("trained", "asked"), [("cup", "box"), ("box", "cup")])
def test_facts_of_one_side_alone(trained, asked):
    predictions = answers(sizes(trained, 30), sizes(asked, 9))
    assert np.isfinite(predictions.value).all()
    assert len(predictions.reasons) == 9
    said = [sentence for sentences in predictions.reasons for sentence in sentences]
    assert not any("cups.looks" in sentence for sentence in said)


def test_silence_is_read_alike_whatever_else_is_asked():
    boxes = sizes("box", 24)
    both = pd.concat([boxes.iloc[:15], sizes("cup", 15)], ignore_index=True)
    alone = answers(both, boxes.iloc[15:])
    beside = answers(both, pd.concat([boxes.iloc[15:], sizes("cup", 3)], ignore_index=True))
    assert alone.value.tolist() == beside.value[:9].tolist()
    assert alone.reasons == beside.reasons[:9]
