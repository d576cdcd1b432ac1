"""Null draws: which answers are permuted among which questions, and what each draw measures."""

import numpy as np
import pandas as pd
import pytest

from tests.scoring.hand_table import hand_table
from tests.scoring.test_null_tests import DRAW
from tst.core.diagnostic import Diagnostic, Predictions
from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.scoring.intervals import clustered_standard_error
from tst.scoring.null_tests import (
    describe_left_out,
    draw_answers,
    judge_draws,
    permute_answers,
    run_draw,
)
from tst.scoring.scores import majority_scores


class UniformGuess(Diagnostic):
    """The same probability for every option; the first one is the guess."""

    def fit_predict(self, train, heldout, seed):
        predictions = Predictions.empty(len(heldout))
        predictions.p_options = [
            None if options is None else np.full(len(options), 1 / len(options))
            for options in heldout["options"]
        ]
        return predictions


def many_small_types() -> pd.DataFrame:
    """840 mc questions with four options in 60 types of 8 to 20, as MMMU has them."""
    rng = np.random.default_rng(0)
    sizes = [8, 10, 12, 14, 20, 20] * 10
    rows = [
        {"id": f"{kind}-{i}", "question_type": f"t{kind}", "format": "mc",
         "question": f"{kind} {i}?",
         "options": list("abcd"), "answer": int(rng.integers(4))}
        for kind, size in enumerate(sizes) for i in range(size)
    ]  # fmt: skip
    return build_table("many", rows).frame


@pytest.mark.parametrize(
    ("stratify", "violated_by"), [("type", []), ("none", []), ("answer", ["majority"])]
)
def test_the_uniform_null_tells_folds_that_answers_shape(stratify, violated_by):
    table = many_small_types()
    plan = plan_folds(table, 5, 0, stratify=stratify)
    draws = [
        run_draw(UniformGuess(None), table, plan, None, "uniform", draw, DEFAULT_RULES)
        for draw in range(4)
    ]
    judged = judge_draws("uniform", draws, 0.3)
    assert judged["violated_by"] == violated_by
    assert (judged["majority"] > 0.30) == (stratify == "answer")


def test_positions_by_number_of_options_are_no_knowledge_of_answers():
    """Last of two options and first of four: permuting within both keeps that to be counted."""
    rows = [
        {"id": str(i), "question_type": "t", "format": "mc", "question": f"{i}?",
         "options": list("ab" if i % 3 == 0 else "abcd"), "answer": 1 if i % 3 == 0 else 0}
        for i in range(60)
    ]  # fmt: skip
    table = build_table("two sizes", rows).frame
    plan = plan_folds(table, 5, 0)
    draw = run_draw(UniformGuess(None), table, plan, None, "permuted", 0, DEFAULT_RULES)
    assert draw["counted"] == 1.0
    assert draw["majority"] == pytest.approx(2 / 3)
    judged = judge_draws("permuted", [draw | {"score_hard": 1.0}], 1.0)
    assert judged["expected"] == 1.0
    assert judged["holds"] is True


def test_permuted_answers_may_score_chance_where_counting_scores_less():
    """Two balanced options: the training part has fewer of what a fold holds out."""
    rows = [
        {"id": str(i), "question_type": "t", "format": "mc", "question": f"{i}?",
         "options": ["a", "b"], "answer": i % 2}
        for i in range(200)
    ]  # fmt: skip
    table = build_table("balanced", rows).frame
    plan = plan_folds(table, 5, 0)
    draw = run_draw(UniformGuess(None), table, plan, None, "permuted", 0, DEFAULT_RULES)
    assert draw["majority"] < 0.45
    judged = judge_draws("permuted", [draw | {"score_hard": 0.53}], 0.9)
    assert judged["expected"] == 0.5
    assert judged["violated_by"] == []
    assert judge_draws("permuted", [draw | {"score_hard": 0.6}], 0.9)["violated_by"] == ["model"]


def test_the_only_question_of_a_format_does_not_hide_whether_the_null_holds():
    """Its majority is unknown: every comparison with NaN was false, so that any null held."""
    table = many_small_types()
    lone = {"id": "lone", "question_type": "t0", "format": "open", "question": "What?",
            "options": None, "answer": ["bread"], "metadata": {}}  # fmt: skip
    table = pd.concat([table, pd.DataFrame([lone])], ignore_index=True)
    plan = plan_folds(table, 5, 0)
    draw = run_draw(UniformGuess(None), table, plan, None, "permuted", 0, DEFAULT_RULES)
    assert 0.1 < draw["majority"] < 0.4
    high = judge_draws("permuted", [draw | {"score_hard": 0.9}], 0.3)
    assert high["violated_by"] == ["model"]


def test_the_same_rows_in_another_order_of_types_are_permuted_alike():
    rows = [("b", i) for i in range(20)] + [("a", 100 + i) for i in range(20)]
    table = pd.DataFrame(rows, columns=["question_type", "answer"]).astype({"answer": object})
    table = table.assign(format="num", options=None)
    turned = pd.concat([table[20:], table[:20]])
    one, other = (
        permute_answers(each, np.random.default_rng(0)).sort_index()["answer"].tolist()
        for each in (table, turned)
    )
    assert one == other


def answers_by_group(table):
    sizes = [0 if o is None else len(o) for o in table["options"]]
    groups: dict = {}
    keys = zip(table["question_type"], table["format"], sizes, strict=True)
    for key, answer in zip(keys, table["answer"], strict=True):
        groups.setdefault(key, []).append(str(answer))
    return {key: sorted(answers) for key, answers in groups.items()}


def test_answers_are_permuted_among_questions_that_are_alike():
    table = pd.concat([hand_table()] * 20, ignore_index=True)
    table.loc[::2, "question_type"] = "colour"  # several formats and sizes in one type
    before = table["answer"].tolist()
    table.index = table.index[::-1]  # the labels are not the positions
    permuted = permute_answers(table, np.random.default_rng(0))
    assert table["answer"].tolist() == before
    assert permuted["answer"].dtype == object
    assert answers_by_group(permuted) == answers_by_group(table)
    moved = np.array([str(a) != str(b) for a, b in zip(permuted["answer"], before, strict=True)])
    assert moved.mean() > 0.3
    for kind in ("mc", "num", "open"):
        assert moved[(table["format"] == kind).to_numpy()].any()
    assert permuted.drop(columns="answer").equals(table.drop(columns="answer"))
    again = permute_answers(table, np.random.default_rng(0))
    assert [str(a) for a in again["answer"]] == [str(a) for a in permuted["answer"]]
    other = permute_answers(table, np.random.default_rng(1))
    assert [str(a) for a in other["answer"]] != [str(a) for a in permuted["answer"]]


def test_uniform_answers_are_drawn_among_each_questions_options():
    table = pd.concat([hand_table()] * 1000, ignore_index=True)
    drawn = draw_answers(table, np.random.default_rng(0))
    mc = table[table["format"] == "mc"].reset_index(drop=True)
    assert drawn.drop(columns="answer").equals(mc.drop(columns="answer"))
    assert drawn["answer"].dtype == table["answer"].dtype == object
    sizes = mc["options"].map(len)
    for size in (2, 3, 4):
        answers = drawn["answer"][sizes == size].astype(int)
        shares = answers.value_counts(normalize=True).sort_index()
        assert shares.index.tolist() == list(range(size))
        np.testing.assert_allclose(shares, 1 / size, atol=0.04)


class Watching(UniformGuess):
    """Remembers the tables and plans that it is given; one option is said with 0.9 now and then."""

    def __init__(self):
        super().__init__(None)
        self.given = []

    def run_folds(self, table, plan, folds, seed):
        self.given.append((table, plan, seed))
        return super().run_folds(table, plan, folds, seed)


def test_a_draw_plans_folds_anew_as_the_run_did():
    table = many_small_types().assign(group_scene=[f"s{i // 3}" for i in range(840)])
    plan = plan_folds(table, 4, 7, repeats=2, group_by="scene", stratify="none")
    diagnostic = Watching()
    found = [
        run_draw(diagnostic, table, plan, "group_scene", kind, draw, DEFAULT_RULES)
        for kind, draw in (("permuted", 0), ("permuted", 1), ("uniform", 0), ("permuted", 0))
    ]
    plans = [given for _, given, _ in diagnostic.given]
    for fresh, (_, _, seed) in zip(plans, diagnostic.given, strict=True):
        assert (fresh.k, fresh.repeats, fresh.group_by, fresh.stratify) == (4, 1, "scene", "none")
        assert fresh.seed == seed
    assert len({plan.seed, *(fresh.seed for fresh in plans)}) == 4
    assert found[0] == found[3]
    tables = [given["answer"].tolist() for given, _, _ in diagnostic.given]
    assert tables[0] == tables[3]
    assert tables[0] != tables[1]
    assert sorted(tables[0]) == sorted(table["answer"])
    assert sorted(tables[2]) != sorted(table["answer"])


def test_what_a_draw_measures():
    """The first option is guessed: the score is how often it is right."""
    table = many_small_types().assign(group_scene=[f"s{i // 30}" for i in range(840)])
    plan = plan_folds(table, 5, 0)
    diagnostic = Watching()
    found = run_draw(diagnostic, table, plan, "group_scene", "uniform", 3, DEFAULT_RULES)
    alone = run_draw(UniformGuess(None), table, plan, None, "uniform", 3, DEFAULT_RULES)
    drawn, fresh, _ = diagnostic.given[0]
    hard = (drawn["answer"].astype(int) == 0).to_numpy(float)
    majority = majority_scores(drawn, fresh, fresh.folds(), DEFAULT_RULES)
    majority = majority.sort_values("row")["majority"].to_numpy()
    units = drawn["group_scene"].to_numpy()
    expected = {
        "score_hard": hard.mean(),
        "standard_error": clustered_standard_error(hard, units),
        "majority": majority.mean(),
        "majority_standard_error": clustered_standard_error(majority, units),
        "baseline": 0.25,
    }
    assert found == pytest.approx(expected)
    assert alone["score_hard"] == found["score_hard"]
    assert alone["standard_error"] == pytest.approx(hard.std(ddof=1) / np.sqrt(840))


def test_the_rules_of_scoring_reach_the_draws():
    rows = [{"id": str(i), "question_type": "t", "format": "num", "question": f"{i}?",
             "answer": 10.0 if i % 2 else 7.0} for i in range(8)]  # fmt: skip
    table = build_table("t", rows).frame
    plan = plan_folds(table, 2, 0)
    strict, inclusive = (
        run_draw(Seven(None), table, plan, None, "permuted", 0, ScoringRules(mra_inclusive=flag))
        for flag in (False, True)
    )
    assert strict["score_hard"] == pytest.approx(0.7)  # 1 for 7, 0.4 for 10
    assert inclusive["score_hard"] == pytest.approx(0.75)


class Seven(Diagnostic):
    """Says 7 to everything."""

    def fit_predict(self, train, heldout, seed):
        predictions = Predictions.empty(len(heldout))
        predictions.value[:] = 7.0
        return predictions


def test_what_cannot_be_drawn_is_left_out_with_a_reason():
    table = many_small_types().assign(group_scene=[f"s{i % 9}" for i in range(840)])
    random = describe_left_out(3, plan_folds(table, 5))
    assert (random["draws"], random["holds"], random["scores"]) == (0, None, [])
    assert random["holds_reason"] == "left out: 3 mc questions, fewer than the 5 folds"
    grouped = describe_left_out(2, plan_folds(table, 4, group_by="scene"))["holds_reason"]
    assert grouped == "left out: 2 groups (scene) with mc questions, fewer than the 4 folds"
    numbers = {"score_hard", "expected", "excess", "standard_error", "majority",
               "majority_standard_error"}  # fmt: skip
    assert all(np.isnan(random[name]) for name in numbers)
    judged = judge_draws("uniform", [DRAW], 0.5)
    assert set(random) - {"holds_reason"} == set(judged) - {"violated_by"}
