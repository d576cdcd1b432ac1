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
    """Describes cups and nothing else: their looks, and which of the options are long."""

    def describe(self, question_type, question, options):
        if "cup" not in question:
            return None
        lengths = {} if options is None else {"cups.long": [str(len(o) > 4) for o in options]}
        return Facts(keys={"cups.looks": question.split()[-2]}, option_keys=lengths)


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
    shown = [sentence for sentences in predictions.reasons for sentence in sentences]
    assert not any("cups.looks" in sentence for sentence in shown)


def test_absent_facts_of_numbers_do_not_depend_on_other_heldout_questions():
    boxes = sizes("box", 24)
    both = pd.concat([boxes.iloc[:15], sizes("cup", 15)], ignore_index=True)
    alone = answers(both, boxes.iloc[15:])
    together = answers(both, pd.concat([boxes.iloc[15:], sizes("cup", 3)], ignore_index=True))
    assert alone.value.tolist() == together.value[:9].tolist()
    assert alone.reasons == together.reasons[:9]


def owners(thing, n):
    rng, looks = np.random.default_rng(len(thing)), ("red", "old", "flat")
    people = ["Ann", "Beatrice", "Carl", "Dorothea"]
    rows = []
    for i in range(n):
        options = [people[j] for j in rng.permutation(4)[:3]]
        rows.append(
            {
                "id": f"{thing}{i}", "question_type": "owner", "format": "mc", "options": options,
                "question": f"Whose is {thing} {i} that is {looks[i % 3]} ?",
                "answer": int(np.argmax([len(o) for o in options])), "metadata": {},
            }
        )  # fmt: skip
    frame = build_table("owners", rows).frame
    return frame.assign(unit=frame["id"])


def test_absent_facts_of_choices_do_not_depend_on_other_heldout_questions():
    boxes, cups = owners("box", 40), owners("cup", 40)
    train = pd.concat([boxes.iloc[:30], cups.iloc[:30]], ignore_index=True)
    alone = answers(train, boxes.iloc[30:])
    together = answers(train, pd.concat([boxes.iloc[30:], cups.iloc[30:]], ignore_index=True))
    for one, other in zip(alone.p_options, together.p_options[:10], strict=True):
        assert one.tolist() == other.tolist()
    assert alone.reasons == together.reasons[:10]
