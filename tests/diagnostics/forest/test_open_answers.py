"""Open questions: candidate answers and their probabilities."""

import numpy as np
import pandas as pd

from tst.core.folds import plan_folds, split
from tst.core.metrics import answer_key
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.forest.diagnostic import ForestDiagnostic
from tst.diagnostics.forest.models.candidate_answers import CandidateAnswers
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.question_reader import QuestionReader
from tst.scoring.scores import majority_scores, score_predictions

FAST = ForestSettings(trees=10, importance=False, reasons=False)
COLOURS = {"sky": "blue", "grass": "green", "snow": "white", "coal": "black", "sun": "yellow"}


def table_of(rows):
    made = [
        {"id": str(i), "format": "open", "options": None, "metadata": {}, **row}
        for i, row in enumerate(rows)
    ]
    return build_table("made", made).frame


def colours(n):
    """What color is X: nine times in ten the thing's own colour, given by ten annotators."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(n):
        thing = list(COLOURS)[int(rng.integers(5))]
        colour = COLOURS[thing] if rng.random() < 0.9 else "red"
        answer = [colour] * 8 + ["red", "pink"]
        question = f"What color is the {thing} in picture {int(rng.integers(9999))}?"
        rows.append({"question_type": "color", "question": question, "answer": answer})
    return table_of(rows)


def answer_fold(table, settings=FAST):
    plan = plan_folds(table, 5, 0)
    train, heldout = split(table, plan, 0, 0)
    predictions = ForestDiagnostic(settings, [], n_jobs=1).fit_predict(train, heldout, 0)
    return plan, table.loc[heldout.index], predictions


def test_the_language_prior_of_open_questions_is_found():
    table = colours(300)
    plan, heldout, predictions = answer_fold(table)
    scores = score_predictions(heldout, predictions, DEFAULT_RULES)
    majority = majority_scores(table, plan, [(0, 0)], DEFAULT_RULES)["majority"].mean()
    assert scores["hard"].mean() > 0.85
    assert scores["hard"].mean() > majority + 0.3
    assert 0.5 < scores["s"].mean() < 1.0
    for shares in predictions.text_probabilities:
        assert 0.9 < sum(shares.values()) <= 1.0
        assert set(shares) <= {*COLOURS.values(), "red"}


def test_changing_heldout_answers_moves_nothing():
    table = colours(120)
    plan = plan_folds(table, 5, 0)
    held = split(table, plan, 0, 0)[1].index
    changed = table.copy()
    changed.loc[held, "answer"] = pd.Series([["violet"]] * len(held), index=held, dtype=object)
    found = [
        ForestDiagnostic(FAST, [], n_jobs=1).fit_predict(*split(each, plan, 0, 0), 0)
        for each in (table, changed)
    ]
    assert found[0].text == found[1].text
    assert found[0].text_probabilities == found[1].text_probabilities


def test_candidates_of_training_questions_come_from_other_inner_folds():
    frame = colours(60).assign(unit=[str(i) for i in range(60)])
    accepted = frame["answer"].tolist()
    accepted[0] = ["mauve"]
    questions = QuestionReader([]).read(frame.drop(columns="answer"), np.arange(60), [])
    fold = np.arange(60) % 3
    found, gold = CandidateAnswers().fit(questions, accepted, fold, 3)
    assert gold[0] == -1
    assert "mauve" not in found.texts[0]
    assert "mauve" not in {text for i in range(0, 60, 3) for text in found.texts[i]}
    for place, of_question in zip(gold, accepted, strict=True):
        assert place < 0 or answer_key(found.texts[list(gold).index(place)][place])
        assert of_question
    assert (found.unlisted > 0).all()


def test_answers_that_never_recur_are_said_to_be_unlisted():
    rows = [
        {"question_type": "name", "question": f"Who is person {i}?", "answer": [f"name{i}"]}
        for i in range(40)
    ]
    _, _, predictions = answer_fold(table_of(rows))
    assert all(sum(shares.values()) < 0.1 for shares in predictions.text_probabilities)
    assert all(text is not None for text in predictions.text)


def test_importance_and_reasons_of_open_answers():
    table = colours(200)
    _, heldout, predictions = answer_fold(table, ForestSettings(trees=10))
    scores = {
        family: score_predictions(heldout, other, DEFAULT_RULES)["s"].mean()
        for family, other in predictions.permuted.items()
    }
    whole = score_predictions(heldout, predictions, DEFAULT_RULES)["s"].mean()
    assert min(scores.values()) < whole - 0.02
    assert sum(map(bool, predictions.reasons)) > len(heldout) / 2
