"""Which shortcut tells an answer: planted cues are found, and counts are those of a small table."""

import numpy as np
import pytest

from tst.benchmarks.planted import CUES, plant_rows
from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES
from tst.stress_testing.shortcuts.explaining import COLUMNS, explain_answers
from tst.stress_testing.shortcuts.sentences import UNEXPLAINED

SHORTCUTS = {
    "answer_position": "position", "entity_prior": "option_text", "longest_option": "length",
    "object_pair": "pair", "entity_value": "entity", "frequent_value": "constant",
}  # fmt: skip


def explain_all(frame, fold=None, features=()):
    fold = np.arange(len(frame)) % 5 if fold is None else fold
    return explain_answers(frame, fold, np.arange(len(frame)), DEFAULT_RULES, features)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_cues_are_named_rightly(seed):
    """At least 90% of the cued questions of every type, as the verdict's user is promised."""
    frame = build_table("planted", plant_rows(600, seed)).frame
    fold = plan_folds(frame, 5, 42).assignment[0]
    told = explain_all(frame, fold)
    assert list(told) == list(COLUMNS)
    for kind, cue in CUES.items():
        rows = (frame["question_type"] == kind) & (frame["planted"].astype(int) == 1)
        if cue:
            share = (told["shortcut"][rows] == SHORTCUTS[cue]).mean()
            assert share >= 0.9, (kind, share)


def choice(i, options, answer, question="What is it?"):
    return {
        "id": f"q{i:03d}", "question_type": "t", "format": "mc", "question": f"{question} {i}",
        "options": options, "answer": answer, "metadata": {},
    }  # fmt: skip


def number(i, question, answer):
    return {
        "id": f"q{i:03d}", "question_type": "n", "format": "num", "question": question,
        "options": None, "answer": answer, "metadata": {},
    }  # fmt: skip


def letters(rng):
    return ["".join(rng.choice(list("bcdfgh"), 6)) for _ in range(4)]


def test_counts_are_those_of_the_other_folds():
    """40 questions, the answer is C in all but those of the last fold."""
    rng = np.random.default_rng(0)
    rows = [choice(i, letters(rng), 2 if i % 5 < 4 else i % 2) for i in range(40)]
    told = explain_all(build_table("made", rows).frame)
    first = told.iloc[0]
    assert first["shortcut"] == "position"
    assert first["why"] == (
        "the option in place C is right in 24 of 32 training questions (8.0 by chance)"
    )
    assert first["repair"].startswith("shuffle the options")


def test_answers_of_the_own_fold_are_not_counted():
    rng = np.random.default_rng(1)
    rows = [choice(i, letters(rng), i % 4) for i in range(40)]
    frame = build_table("made", rows).frame
    other = frame.assign(answer=[3 if i % 5 == 0 else a for i, a in enumerate(frame["answer"])])
    own = np.arange(40) % 5 == 0
    for changed in (frame, other):  # the fold's gold answers are all D, or as they were
        told = explain_all(changed)
        assert not told["why"][own].str.contains("place D").any()


def test_an_option_that_is_right_wherever_it_is_offered_is_quoted():
    rng = np.random.default_rng(2)
    rows = []
    for i in range(40):
        options = letters(rng)
        options[i % 4] = "a red cup"
        rows.append(choice(i, options, i % 4))
    told = explain_all(build_table("made", rows).frame).iloc[0]
    assert (told["shortcut"], told["about"]) == ("option_text", "a red cup")
    assert told["why"] == "'a red cup' is right in 32 of 32 training questions (8.0 by chance)"


def test_the_last_word_of_right_options_is_quoted():
    rng = np.random.default_rng(5)
    rows = []
    for i in range(40):
        options = [f"{text} {end}" for text, end in zip(letters(rng), letters(rng), strict=True)]
        options[i % 4] = f"{letters(rng)[0]} Handle"
        rows.append(choice(i, options, i % 4))
    told = explain_all(build_table("made", rows).frame).iloc[0]
    assert (told["shortcut"], told["about"]) == ("option_text", "handle")
    assert told["why"] == (
        "an option that ends in 'handle' is right in 32 of 32 training options (8.0 by chance)"
    )


def test_numbers_follow_from_what_is_asked_about():
    things = {"cups": 3.0, "doors": 9.0, "cars": 40.0}
    rows = [
        number(3 * i + j, f"How many {thing} are there in room {i}?", value)
        for i in range(15)
        for j, (thing, value) in enumerate(things.items())
    ]
    told = explain_all(build_table("made", rows).frame)
    assert (told["shortcut"] == "entity").all()
    assert told["about"].tolist() == list(things) * 15
    assert told["why"].iloc[1] == (
        "the answer '9' scores 100% on the 12 training questions that mention 'doors'"
    )
    assert told["repair"].iloc[1] == "'doors' has about one answer in 12 questions: vary it"


def test_open_questions_with_one_answer():
    rows = [
        {"id": f"q{i:02d}", "question_type": "o", "format": "open", "question": f"Is it {i}?",
         "options": None, "answer": ["yes" if i % 10 else "no"], "metadata": {}}
        for i in range(40)
    ]  # fmt: skip
    told = explain_all(build_table("made", rows).frame)
    assert told["shortcut"].iloc[1] == "constant"
    assert told["why"].iloc[1].startswith("the answer 'yes' scores ")
    assert told["why"].iloc[0] == UNEXPLAINED


def test_answers_drawn_at_random_are_rarely_explained():
    rng = np.random.default_rng(3)
    rows = [choice(i, letters(rng), int(rng.integers(4))) for i in range(200)]
    told = explain_all(build_table("made", rows).frame)
    assert (told["shortcut"] == "").mean() > 0.5
    assert (told["why"][told["shortcut"] == ""] == UNEXPLAINED).all()


def test_nothing_is_asked_for():
    frame = build_table("planted", plant_rows(48, 0)).frame
    none = explain_answers(frame, np.arange(48) % 5, np.array([], dtype=int), DEFAULT_RULES)
    assert list(none) == list(COLUMNS)
    assert not len(none)
