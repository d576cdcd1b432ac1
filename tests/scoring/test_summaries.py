"""method.md, section 4, by hand: the fields of a set of questions."""

import numpy as np
import pandas as pd
import pytest

from tst.scoring.intervals import bootstrap_intervals
from tst.scoring.summaries import (
    ADJUSTED,
    FIELDS,
    WITH_INTERVAL,
    adjusted_mean,
    planted_aurocs,
    summarise,
)

NAN = float("nan")

TABLE = pd.DataFrame(
    {
        "question_type": ["a", "a", "b", "b", "c"],
        "format": ["mc", "mc", "mc", "mc", "num"],
        "options": [["x", "y"], ["x", "y"], list("wxyz"), list("wxyz"), None],
        "planted": [1, 0, 0, 0, 0],
    }
)
# (question, repeat): fold, p of the options (mc), s, hard, zero-shot s and hard, baseline, majority
SCORED = pd.DataFrame(
    [
        (0, 0, 0, [0.8, 0.2], 0.8, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5),
        (1, 0, 1, [0.4, 0.6], 0.4, 0.0, 0.6, 1.0, 0.5, 0.0, 0.5),
        (2, 0, 0, [0.1, 0.2, 0.3, 0.4], 0.4, 1.0, 0.2, 0.0, 0.25, 0.0, 0.25),
        (3, 0, 1, [0.4, 0.3, 0.2, 0.1], 0.2, 0.0, 0.2, 0.0, 0.25, 1.0, 0.25),
        (4, 0, 1, None, 0.7, 0.7, 0.3, 0.3, 0.4, 0.4, NAN),
    ],
    columns=["row", "repeat", "fold", "p_options", "s", "hard", "s_zero_shot", "hard_zero_shot",
             "baseline", "majority", "p_prior"],
)  # fmt: skip
SCORES = SCORED.set_index("row")[
    ["s", "hard", "s_zero_shot", "hard_zero_shot", "baseline", "majority"]
].assign(
    delta=lambda t: t["s"] - t["s_zero_shot"],
    delta_hard=lambda t: t["hard"] - t["hard_zero_shot"],
    bits=[0.7, -0.3, 0.7, -0.3, NAN],
)
UNITS = np.array(["g", "g", "h", "i", "i"])


@pytest.fixture
def summary():
    return summarise(SCORES, SCORED, TABLE, UNITS)


OVERALL = {
    "n": 5,
    "score_hard": 2.7 / 5,
    "score_soft": 2.5 / 5,
    "zero_shot_hard": 2.3 / 5,
    "zero_shot_soft": 1.8 / 5,
    "delta_hard": 0.4 / 5,
    "delta_soft": 0.7 / 5,
    "bits": 0.2,
    "baseline": 1.9 / 5,
    "majority": 2.4 / 5,
    "adjusted_hard": (0.54 - 0.38) / 0.62,
    "adjusted_soft": (0.5 - 0.38) / 0.62,
}
TYPES = {
    "a": {"n": 2, "score_hard": 0.5, "score_soft": 0.6, "zero_shot_hard": 1.0,
          "zero_shot_soft": 0.55, "delta_hard": -0.5, "delta_soft": 0.05, "bits": 0.2,
          "baseline": 0.5, "majority": 0.5, "adjusted_hard": 0.0, "adjusted_soft": 0.2},
    "b": {"n": 2, "score_hard": 0.5, "score_soft": 0.3, "zero_shot_hard": 0.0,
          "zero_shot_soft": 0.2, "delta_hard": 0.5, "delta_soft": 0.1, "bits": 0.2,
          "baseline": 0.25, "majority": 0.5, "adjusted_hard": 0.25 / 0.75,
          "adjusted_soft": 0.05 / 0.75},
    "c": {"n": 1, "score_hard": 0.7, "score_soft": 0.7, "zero_shot_hard": 0.3,
          "zero_shot_soft": 0.3, "delta_hard": 0.4, "delta_soft": 0.4, "bits": NAN,
          "baseline": 0.4, "majority": 0.4, "adjusted_hard": 0.5,
          "adjusted_soft": 0.5},
}  # fmt: skip


def agree(found, expected):
    for field, value in expected.items():
        np.testing.assert_allclose(found[field], value, err_msg=field)


def test_the_fields_of_the_whole_of_formats_and_of_types(summary):
    agree(summary["overall"], OVERALL)
    assert set(summary["per_type"]) == {"a", "b", "c"}
    for name, expected in TYPES.items():
        agree(summary["per_type"][name], expected)
    assert set(summary["per_format"]) == {"mc", "num"}
    agree(summary["per_format"]["mc"], {"n": 4, "score_hard": 0.5, "score_soft": 0.45,
                                        "baseline": 0.375, "adjusted_hard": 0.125 / 0.625,
                                        "adjusted_soft": 0.075 / 0.625})  # fmt: skip
    agree(summary["per_format"]["num"], TYPES["c"])


def test_macro_is_the_unweighted_mean_over_types(summary):
    assert summary["macro"]["n"] == 3
    for field in (*FIELDS, *ADJUSTED):
        values = [TYPES[t][field] for t in "abc"]
        assert summary["macro"][field] == pytest.approx(np.nanmean(values)), field


def test_only_bits_may_be_missing_from_a_type_of_the_macro_mean():
    scores = SCORES.assign(s=[0.8, 0.4, NAN, NAN, 0.7])
    summary = summarise(scores, SCORED, TABLE, UNITS)
    assert np.isnan(summary["macro"]["score_soft"])
    without = summarise(SCORES.assign(bits=NAN), SCORED, TABLE, UNITS)
    assert np.isnan(without["macro"]["bits"])


def test_mean_and_spread_over_folds(summary):
    # fold 0 holds questions 0 and 2, fold 1 holds 1, 3 and 4
    hard, soft = np.array([1.0, 0.7 / 3]), np.array([0.6, 1.3 / 3])
    overall = summary["overall"]
    assert overall["fold_mean"] == pytest.approx(
        {"score_hard": hard.mean(), "score_soft": soft.mean()}
    )
    assert overall["fold_sd"] == pytest.approx(
        {"score_hard": hard.std(ddof=1), "score_soft": soft.std(ddof=1)}
    )
    of_a = summary["per_type"]["a"]["fold_mean"]
    assert of_a == pytest.approx({"score_hard": 0.5, "score_soft": 0.6})
    assert np.isnan(summary["per_type"]["c"]["fold_sd"]["score_hard"])


def test_the_same_fold_of_two_repeats_is_two_folds():
    again = SCORED.assign(repeat=1, hard=[0.0, 1.0, 0.0, 1.0, 0.7])
    scored = pd.concat([SCORED, again], ignore_index=True)
    overall = summarise(SCORES, scored, TABLE, UNITS)["overall"]
    folds = [1.0, 0.7 / 3, 0.0, 2.7 / 3]
    assert overall["fold_mean"]["score_hard"] == pytest.approx(np.mean(folds))
    assert overall["fold_sd"]["score_hard"] == pytest.approx(np.std(folds, ddof=1))


def test_every_set_has_the_intervals_of_its_own_questions(summary):
    assert WITH_INTERVAL == (
        "score_hard", "score_soft", "zero_shot_hard", "zero_shot_soft", "delta_hard", "delta_soft",
        "bits", "adjusted_hard", "adjusted_soft",
    )  # fmt: skip
    values = SCORES[[FIELDS[f] for f in WITH_INTERVAL if f in FIELDS]].to_numpy(float)
    mc = (TABLE["format"] == "mc").to_numpy()
    members = np.stack([np.ones(5, dtype=bool), mc], axis=1)
    expected = bootstrap_intervals(values, members, UNITS)
    for index, part in enumerate((summary["overall"], summary["per_format"]["mc"])):
        assert set(part["interval"]) == set(WITH_INTERVAL)
        for i, field in enumerate(f for f in WITH_INTERVAL if f in FIELDS):
            assert part["interval"][field] == pytest.approx(expected[index, i].tolist())
        assert "interval_reason" not in part
    assert "fewer than two groups" in summary["per_type"]["a"]["interval_reason"]
    assert np.isnan(summary["per_type"]["a"]["interval"]["score_hard"]).all()
    assert "interval_reason" not in summary["per_type"]["b"]


def test_adjusted_scores_are_resampled_as_ratios_of_their_own_questions(summary):
    """Groups drawn with replacement: (sum of score - b) / (sum of 1 - b) of each draw."""
    names = np.unique(UNITS)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(names), (10_000, len(names)))
    weight = np.stack([(drawn == g).sum(1) for g in range(len(names))], axis=1)
    by_question = weight[:, np.searchsorted(names, UNITS)]
    room = by_question @ (1 - SCORES["baseline"].to_numpy())
    for field, column in ADJUSTED.items():
        gain = by_question @ (SCORES[column] - SCORES["baseline"]).to_numpy()
        expected = np.percentile(gain / room, [2.5, 97.5])
        low, high = summary["overall"]["interval"][field]
        assert [low, high] == pytest.approx(expected, abs=0.02)
        assert low <= summary["overall"][field] <= high


def test_truth_parts_the_types_with_a_planted_cue_from_the_others(summary):
    agree(summary["truth"]["cued"], TYPES["a"])
    assert summary["truth"]["clean"]["n"] == 3
    assert summary["truth"]["clean"]["score_hard"] == pytest.approx(1.7 / 3)
    assert "truth" not in summarise(SCORES, SCORED, TABLE.drop(columns="planted"), UNITS)


def test_information_is_of_the_sets_own_predictions(summary):
    p_gold = np.array([0.8, 0.4, 0.4, 0.2])
    assert summary["overall"]["log_likelihood"] == pytest.approx(np.log(p_gold).mean())
    assert summary["per_type"]["a"]["log_likelihood"] == pytest.approx(np.log(p_gold[:2]).mean())
    assert "bits_reason" in summary["per_type"]["c"]
    assert "bits_reason" not in summary["per_type"]["a"]


def test_questions_without_a_prediction_are_in_no_set():
    summary = summarise(SCORES.drop(index=[3, 4]), SCORED.iloc[:3], TABLE, UNITS)
    assert summary["overall"]["n"] == 3
    assert set(summary["per_type"]) == {"a", "b"}
    assert summary["per_type"]["b"]["n"] == 1


def test_what_is_missing_is_named():
    summary = summarise(SCORES, SCORED, TABLE, UNITS)
    assert not {"missing", "zero_shot_reason", "adjusted_reason"} & set(summary["overall"])
    scores = SCORES.assign(s=[0.8, NAN, 0.4, 0.2, 0.7], s_zero_shot=NAN)
    overall = summarise(scores, SCORED, TABLE, UNITS)["overall"]
    assert overall["missing"] == "1 questions have no score (the diagnostic gave none)"
    assert overall["zero_shot_reason"] == "this diagnostic has no zero-shot model"
    full = summarise(SCORES.assign(baseline=1.0), SCORED, TABLE, UNITS)["overall"]
    assert np.isnan(full["adjusted_hard"])
    assert full["adjusted_reason"] == "the baseline leaves nothing to gain (1 - b < 1e-9)"
    unknown = summarise(SCORES.assign(baseline=NAN), SCORED, TABLE, UNITS)["overall"]
    assert unknown["adjusted_reason"] == "no training answer of this format says a baseline"
    nothing = summarise(SCORES.assign(s=NAN), SCORED, TABLE, UNITS)["overall"]
    assert nothing["adjusted_reason"] == "no question has a score"
    assert nothing["missing"].startswith("5 questions")


def test_adjusted_of_a_set_is_over_the_questions_that_have_a_score():
    s, baseline = pd.Series([0.9, 0.7, NAN]), pd.Series([0.5, 0.3, 0.0])
    assert adjusted_mean(s, baseline) == pytest.approx((0.8 - 0.4) / 0.6)
    assert adjusted_mean(s, pd.Series([0.5, NAN, 0.0])) == pytest.approx(0.4 / 0.5)
    assert np.isnan(adjusted_mean(pd.Series([NAN]), pd.Series([0.5])))


def test_auroc_of_planted_rows_by_hand():
    """Of the 2 x 3 pairs of a planted and another question four and a half are in order."""
    table = pd.DataFrame(
        {"question_type": ["t"] * 5 + ["u"] * 2 + ["v"] * 2, "planted": [1, 1, 0, 0, 0, 1, 1, 1, 0]}
    )
    s = [0.9, 0.4, 0.1, 0.4, 0.5, 0.2, 0.3, 0.2, NAN]
    found = planted_aurocs(pd.DataFrame({"s": s}), table)
    # u has no other questions, v a question without a score
    assert found == {"t": {"auroc": pytest.approx(4.5 / 6), "planted": 2}}
    assert planted_aurocs(pd.DataFrame({"s": s}), table.drop(columns="planted")) == {}


class CountedName(str):
    """A question type that counts how often one is compared with another."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        CountedName.compared += 1
        return str.__eq__(self, other)


def test_question_types_are_not_compared_with_one_another():
    """Every type with every other one took minutes of 200,000 questions."""
    copies = 60
    table = pd.concat([TABLE] * copies, ignore_index=True)
    names = [CountedName(name) for name in table["question_type"]]
    table["question_type"] = pd.Series(names, dtype=object)
    parts = [SCORED.assign(row=SCORED["row"] + len(TABLE) * copy) for copy in range(copies)]
    scored = pd.concat(parts, ignore_index=True)
    scores = pd.concat([SCORES] * copies).set_axis(scored["row"])
    CountedName.compared = 0
    found = summarise(scores, scored, table, np.arange(len(table)))
    assert found["truth"]["cued"]["n"] == 2 * copies
    assert CountedName.compared < 30 * len(table)
