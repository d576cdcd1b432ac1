"""The text of other questions of a group: read as asked, never an answer."""

import numpy as np
import pandas as pd
import pytest

from tst.core.errors import UserError
from tst.core.folds import plan_folds, split
from tst.core.questions import build_table, fingerprint
from tst.diagnostics.forest.diagnostic import ForestDiagnostic
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.hashing import text_code
from tst.diagnostics.forest.text.question_arrays import take
from tst.diagnostics.forest.text.question_reader import QuestionReader
from tst.diagnostics.forest.text.siblings import GroupTexts

FAST = ForestSettings(trees=10, importance=False, reasons=False)


def videos(n):
    """Three questions per video; the right option of one is named in the text of another."""
    rng = np.random.default_rng(0)
    things = [f"thing{i}" for i in range(400)]
    rows = []
    for i in range(n):
        named = [things[j] for j in rng.permutation(400)[:6]]
        for part in range(3):
            options = [named[part], *(things[j] for j in rng.permutation(400)[:3])]
            order = rng.permutation(4)
            rows.append(
                {
                    "id": f"{i}-{part}", "question_type": "what", "format": "mc",
                    "question": f"What lies near the {named[(part + 1) % 3]} in clip {i}?",
                    "options": [options[j] for j in order], "answer": int(order.argmin()),
                    "metadata": {}, "group_video": f"v{i}",
                }
            )  # fmt: skip
    return build_table("videos", rows).frame


def test_words_and_options_of_other_questions_of_the_group_alone():
    frame = pd.DataFrame(
        {
            "question_type": "t", "format": "mc", "metadata": [{}] * 3, "unit": ["0", "1", "2"],
            "question": ["Where is the lamp?", "How big?", "Is it red?"],
            "options": [["here", "there"], ["one", "two"], ["here", "no"]],
            "group_scene": ["a", "a", "b"],
        }
    )  # fmt: skip
    reader = QuestionReader([])
    questions = reader.read(frame, np.arange(3), [])
    siblings = GroupTexts([frame], reader.texts).of(frame, np.arange(3))
    assert siblings.size.tolist() == [1, 1, 0]
    lamp, big = np.uint64(text_code("lamp")), np.uint64(text_code("big"))
    row = np.arange(3)
    assert siblings.words.times_of(row, np.full(3, lamp)).tolist() == [0.0, 1.0, 0.0]
    assert siblings.words.times_of(row, np.full(3, big)).tolist() == [1.0, 0.0, 0.0]
    here = reader.texts.whole[questions.option[0]]
    assert siblings.options.times_of(row, np.full(3, here)).tolist() == [0.0, 1.0, 0.0]
    questions.siblings = siblings
    part, _ = take(questions, np.array([1]))
    assert part.siblings.size.tolist() == [1]
    assert part.siblings.words.times_of(np.array([0]), np.array([lamp])).tolist() == [1.0]


def test_what_the_set_gives_away_is_found_with_siblings_alone():
    table = videos(80)
    plan = plan_folds(table, 5, 0, 1, "video")
    train, heldout = split(table, plan, 0, 0)
    gold = table.loc[heldout.index, "answer"].tolist()
    hard = {}
    for context in ("none", "siblings"):
        diagnostic = ForestDiagnostic(FAST, [], context=context, n_jobs=1)
        found = diagnostic.fit_predict(train, heldout, 0).p_options
        hard[context] = np.mean([p.argmax() == a for p, a in zip(found, gold, strict=True)])
    assert hard["none"] < 0.5
    assert hard["siblings"] > 0.9


def test_changing_heldout_answers_moves_nothing_with_siblings():
    table = videos(30)
    plan = plan_folds(table, 5, 0)
    changed = table.copy()
    held = split(table, plan, 0, 0)[1].index
    changed.loc[held, "answer"] = pd.Series([0] * len(held), index=held, dtype=object)
    before, after = (
        ForestDiagnostic(FAST, [], context="siblings", n_jobs=1).fit_predict(
            *split(each, plan, 0, 0), 0
        )
        for each in (table, changed)
    )
    for one, other in zip(before.p_options, after.p_options, strict=True):
        assert one.tolist() == other.tolist()


def test_siblings_need_groups():
    table = videos(10).drop(columns="group_video")
    train, heldout = split(table, plan_folds(table, 5, 0), 0, 0)
    with pytest.raises(UserError, match="declares no groups"):
        ForestDiagnostic(FAST, [], context="siblings").fit_predict(train, heldout, 0)


def places(n):
    """The part of the set alone says which option is right, and how large a room is."""
    rng = np.random.default_rng(1)
    rows = []
    for i in range(n):
        part = int(rng.integers(2))
        asked = {
            "metadata": {}, "context": {"dataset": f"d{part}"}, "group_scene": f"s{i % 40}",
        }  # fmt: skip
        size = float(10 + 20 * part + rng.integers(3))
        rows += [
            {"id": f"mc{i}", "question_type": "which", "format": "mc", "question": f"Which {i}?",
             "options": ["oak", "pine"], "answer": part, **asked},
            {"id": f"num{i}", "question_type": "size", "format": "num",
             "question": f"How large is room {i}?", "options": None, "answer": size, **asked},
        ]  # fmt: skip
    return build_table("places", rows).frame


def predicted(context, table):
    train, heldout = split(table, plan_folds(table, 5), 0, 0)
    predictions = ForestDiagnostic(FAST, [], context).fit_predict(train, heldout, 0)
    gold = table["answer"].loc[heldout.index].tolist()
    rows = zip(predictions.p_options, predictions.value, gold, strict=True)
    right = [
        float(np.argmax(p) == answer) if p is not None else float(abs(value - answer) < 3)
        for p, value, answer in rows
    ]
    formats = heldout["format"].to_numpy()
    return [np.mean(np.array(right)[formats == kind]) for kind in ("mc", "num")]


def test_the_part_of_the_set_is_read_with_siblings_alone():
    table = places(150)
    assert min(predicted("siblings", table)) > 0.95
    assert max(predicted("none", table)) < 0.8


def test_the_part_of_the_set_changes_no_fold():
    table = places(30)
    other = table.assign(context=[{"dataset": "x"}] * len(table))
    assert fingerprint(table) == fingerprint(other) == fingerprint(table.drop(columns="context"))
    one, two = plan_folds(table, 3), plan_folds(other, 3)
    assert (one.assignment == two.assignment).all()
