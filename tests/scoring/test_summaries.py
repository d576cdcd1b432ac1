import numpy as np
import pandas as pd
import pytest

from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.scoring.summaries import FIELDS, bootstrap_intervals, summarise
from tst.stress_test.results import bootstrap_units


def intervals_of(values, units, **options):
    members = np.ones((len(values), 1), dtype=bool)
    return bootstrap_intervals(np.asarray(values, float)[:, None], members, units, **options)[0, 0]


def test_interval_of_independent_questions_is_the_textbook_one():
    rng = np.random.default_rng(1)
    values = rng.random(800)
    low, high = intervals_of(values, np.arange(800))
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_groups_widen_the_interval():
    rng = np.random.default_rng(2)
    units = np.repeat(np.arange(40), 25)
    values = np.repeat(rng.random(40), 25)
    grouped = np.ptp(intervals_of(values, units))
    alone = np.ptp(intervals_of(values, np.arange(1000)))
    assert grouped == pytest.approx(5 * alone, rel=0.2)  # sqrt(25)


def test_many_groups_in_blocks_give_the_same_width():
    rng = np.random.default_rng(3)
    values = rng.random(9000)
    width = np.ptp(intervals_of(values, np.arange(9000)))
    assert width == pytest.approx(2 * 1.96 * values.std() / np.sqrt(9000), rel=0.1)


def test_sets_and_missing_measures():
    values = np.array([[1.0, np.nan], [0.0, np.nan], [1.0, 0.5], [1.0, 0.5]])
    members = np.array([[True, True], [True, True], [True, False], [True, False]])
    result = bootstrap_intervals(values, members, np.arange(4), resamples=500)
    assert result.shape == (2, 2, 2)
    np.testing.assert_allclose(result[0, 1], [0.5, 0.5])
    assert np.isnan(result[1, 1]).all()
    assert result[0, 0, 0] < 0.75 <= result[0, 0, 1]


def test_one_group_has_no_interval():
    values = np.array([[0.0, 1.0], [1.0, np.nan], [1.0, np.nan], [0.0, 1.0]])
    members = np.array([[True, True], [True, True], [True, False], [True, False]])
    units = np.array(["a", "a", "b", "a"])
    result = bootstrap_intervals(values, members, units, resamples=500)
    assert np.isfinite(result[0, 0]).all()
    assert np.isnan(result[0, 1]).all()  # measured in one group alone
    assert np.isnan(result[1]).all()


def summary_of(s, baseline, units):
    n = len(s)
    scores = pd.DataFrame({column: np.full(n, np.nan) for column in FIELDS.values()})
    scores = scores.assign(s=s, hard=s, baseline=baseline, majority=0.5)
    scored = scores.assign(row=np.arange(n), repeat=0, fold=np.arange(n) % 2, p_prior=np.nan)
    table = pd.DataFrame({"question_type": ["t"] * n, "format": "mc", "options": [["x", "y"]] * n})
    return summarise(scores, scored, table, np.array(units))


def test_adjusted_is_over_the_questions_that_have_a_score():
    nan = float("nan")
    overall = summary_of([0.9, 0.9, nan, nan], [0.5, 0.5, 0.1, 0.1], range(4))["overall"]
    assert overall["adjusted"] == pytest.approx(0.8)
    assert overall["baseline"] == pytest.approx(0.3)
    nothing = summary_of([nan, nan], [0.5, 0.5], range(2))["overall"]
    assert np.isnan(nothing["adjusted"])
    assert nothing["adjusted_reason"] == "no question has a score"


def test_a_missing_interval_has_a_reason():
    overall = summary_of([0.9, 0.1], [0.5, 0.5], ["a", "a"])["overall"]
    assert np.isnan(overall["interval"]["score_hard"]).all()
    assert "fewer than two groups" in overall["interval_reason"]
    assert "interval_reason" not in summary_of([0.9, 0.1], [0.5, 0.5], ["a", "b"])["overall"]


def test_a_column_with_one_group_is_not_resampled():
    def units(**columns):
        names = {f"group_{name}": values for name, values in columns.items()}
        frame = pd.DataFrame(
            {
                "id": list("abcd"), "question_type": "t", "format": "num", "question": list("abcd"),
                "options": None, "answer": [1.0, 2.0, 3.0, 4.0], "metadata": [{}] * 4, **names,
            }
        )  # fmt: skip
        table = build_table("t", frame.to_dict("records"))
        return bootstrap_units(table, plan_folds(table.frame, 2)).tolist()

    assert units(source=["s"] * 4, image=["i", "i", "j", "k"], pair=list("ppqq")) == list("ppqq")
    assert units(source=["s"] * 4) == [0, 1, 2, 3]
