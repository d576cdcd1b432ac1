import json

import pandas as pd
import pytest

from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.stress_testing.near_duplicates import COLUMNS, find_near_duplicates, mask_templates


def ask(i, question, options, answer, kind="mc", question_type="count"):
    return {
        "id": f"q{i}", "question_type": question_type, "format": kind, "question": question,
        "options": options, "answer": answer,
    }  # fmt: skip


@pytest.fixture
def table() -> pd.DataFrame:
    things = ["chairs", "tables", "lamps", "doors", "sofas"]
    rows = [
        ask(i, f"How many {things[i % 5]} are in the image {i}?", ["1", "2", "0"], 0)
        for i in range(30)
    ]
    rows += [ask(30 + i, "How many rooms are there?", ["7", "8"], i % 2) for i in range(2)]
    rows += [ask(40 + i, f"How tall is item {i}?", None, 2.0, "num", "height") for i in range(10)]
    rows += [ask(50 + i, "How tall is the door?", None, 2.0, "num", "height") for i in range(10)]
    rows += [ask(60 + i, "Colour of the sky?", None, ["blue"], "open", "colour") for i in range(10)]
    return build_table("t", rows).frame


def test_twins_are_found_by_template_and_options(table: pd.DataFrame) -> None:
    found = find_near_duplicates(table, plan_folds(table, k=5), DEFAULT_RULES)
    assert list(found) == list(COLUMNS)
    largest = found[found["n_questions"] == 30].iloc[0]
    assert largest["template"].startswith("how many _ are in the image")
    assert json.loads(largest["options"]) == ["0", "1", "2"]
    assert largest["gives_away"] == 1.0
    assert largest["baseline"] == pytest.approx(1 / 3)
    assert largest["answer"] == "1"


def test_num_and_open_need_the_same_text(table: pd.DataFrame) -> None:
    found = find_near_duplicates(table, plan_folds(table, k=5), DEFAULT_RULES).set_index("format")
    assert found.loc["num", "n_questions"] == 10
    assert found.loc["num", "gives_away"] == 1.0
    assert found.loc["open", "template"] == "colour of the sky"
    assert found.loc["open", "gives_away"] == 1.0


def test_the_rules_of_scoring_reach_what_twins_give_away() -> None:
    """Errors that equal a threshold: of 7 for a gold of 10, and of 19.95 for golds of 19 and 21."""
    rows = [
        ask(i, "How large is it?", None, gold, "num", kind)
        for i, (gold, kind) in enumerate([(7.0, "h"), (10.0, "h"), (19.0, "w"), (21.0, "w")])
    ]
    table = build_table("t", rows).frame
    strict, inclusive = (
        find_near_duplicates(table, plan_folds(table, k=2), rules).set_index("question_type")
        for rules in (ScoringRules(), ScoringRules(mra_inclusive=True))
    )
    # 7 for 10: 6/20 off, so 0.4 or 0.5; 10 for 7: 8.6/20 off, so 0.2
    assert strict.loc["h", "gives_away"] == pytest.approx(0.3)
    assert inclusive.loc["h", "gives_away"] == pytest.approx(0.35)
    assert strict.loc["w", "baseline"] == pytest.approx(0.95)
    assert inclusive.loc["w", "baseline"] == pytest.approx(1.0)


def test_twins_within_one_fold_are_none(table: pd.DataFrame) -> None:
    plan = plan_folds(table, k=5)
    plan.assignment[0][:] = 0
    assert find_near_duplicates(table, plan, DEFAULT_RULES).empty


def test_questions_without_a_template_keep_their_words() -> None:
    words = ["alpha beta gamma", "delta epsilon zeta", "eta theta iota"]
    rows = [ask(i, w, ["a", "b"], 0) for i, w in enumerate(words)]
    assert mask_templates(build_table("t", rows).frame) == words
