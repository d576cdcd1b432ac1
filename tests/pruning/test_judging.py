import numpy as np
import pandas as pd
import pytest

from tst.pruning.intervals import MEASURES, compare_samples, describe_scores
from tst.pruning.judging import Removal, band, draw_at_random, find_left_out, judge_removals


def test_random_draws_have_the_same_counts_per_type():
    types = np.array(["a"] * 50 + ["b"] * 30, dtype=object)
    removed = np.array([0, 1, 2, 60, 61])
    draws = [draw_at_random(types, removed, draw) for draw in range(10)]
    for rows in draws:
        assert len(set(rows)) == 5
        assert (types[rows] == "a").sum() == 3
    assert len({tuple(rows) for rows in draws}) == 10
    assert (draw_at_random(types, removed, 3) == draws[3]).all()
    assert len(draw_at_random(types, removed[:0], 0)) == 0


def make_sample(rows, hard, s=None, baseline=0.25):
    columns = {"hard": hard, "s": hard if s is None else s, "baseline": baseline}
    return pd.DataFrame(columns, index=np.asarray(rows), dtype=float)


def test_intervals_hold_the_figure_and_pair_over_groups():
    rng = np.random.default_rng(0)
    n = 400
    units = np.repeat(np.arange(100), 4)
    hard = (rng.random(n) < 0.5).astype(float)
    all_ = make_sample(np.arange(n), hard)
    rest = make_sample(np.arange(0, n, 2), hard[::2])
    result = compare_samples({"ours": rest, "all": all_, "same": rest}, units, "ours")
    for name, sample in (("ours", rest), ("all", all_)):
        figures = describe_scores(sample)
        for field in ("adjusted_hard", "adjusted_soft", "score_hard"):
            low, high = result[name]["interval"][field]
            assert low < figures[field] < high
    # the standard error of a mean of 400 coins is 0.025
    low, high = result["all"]["interval"]["score_hard"]
    assert 0.07 < high - low < 0.13
    assert "difference" not in result["ours"]
    assert result["same"]["difference"] == {field: [0.0, 0.0] for field in MEASURES}
    low, high = result["all"]["difference"]["score_hard"]
    assert low < hard[::2].mean() - hard.mean() < high


def test_many_groups_are_merged_into_blocks():
    hard = np.tile([0.0, 1.0], 2000)
    sample = make_sample(np.arange(4000), hard)
    result = compare_samples({"ours": sample}, np.arange(4000), "ours")
    low, high = result["ours"]["interval"]["score_hard"]
    assert 0.02 < high - low < 0.045


def test_a_set_in_one_group_has_no_interval():
    units = np.repeat(["a", "b"], 4)
    samples = {
        "ours": make_sample([0, 1, 4, 5], [1.0, 0.0, 1.0, 0.0]),
        "lone": make_sample([0, 1, 2], [1.0, 0.0, 1.0]),
        "two": make_sample([0, 4], [1.0, 0.0]),
    }
    result = compare_samples(samples, units, "ours")
    for bounds in result["lone"]["interval"].values():
        assert np.isnan(bounds).all()
    assert "fewer than two groups" in result["lone"]["interval_reason"]
    assert "difference" not in result["lone"]
    assert np.isfinite(result["two"]["difference"]["adjusted_hard"]).all()
    lone = compare_samples({"ours": samples["lone"], "two": samples["two"]}, units, "ours")
    assert "difference" not in lone["two"]
    assert np.isfinite(lone["two"]["interval"]["adjusted_hard"]).all()


def test_adjusted_is_over_the_questions_that_have_a_score():
    nan = float("nan")
    sample = make_sample(range(4), [1.0, 1.0, nan, nan], [0.9, 0.9, nan, nan])
    sample["baseline"] = [0.5, 0.5, 0.1, 0.1]
    assert describe_scores(sample)["adjusted_soft"] == pytest.approx(0.8)
    assert describe_scores(sample)["adjusted_hard"] == pytest.approx(1.0)


def test_lists_that_leave_too_little_are_named():
    units = np.array(["a", "a", "b", "c"])
    removals = {"nothing": Removal(np.array([], dtype=int)), "one": Removal(np.array([3]))}
    assert find_left_out(removals, units, 2, "groups") == {}
    assert find_left_out(removals, units, 3, "groups (video)") == {
        "one": "2 groups (video) are left, fewer than the 3 folds"
    }


def test_a_judgement_without_ours():
    frame = pd.DataFrame({"question_type": ["t"] * 4})
    scores = pd.DataFrame({"s": 0.5, "baseline": 0.25, "hard": [1.0, 0.0, 1.0, 0.0]})
    removals = {"nothing": Removal(np.array([], dtype=int)), "ours": Removal(np.array([0]), "rf")}
    judged = judge_removals({"nothing": scores}, removals, frame, np.arange(4), "rf")
    assert list(judged["lists"]) == ["nothing"]
    assert "difference" not in judged["lists"]["nothing"]


def test_band():
    assert band([0.1, 0.3]) == {
        "draws": 2, "mean": 0.2, "sd": np.std([0.1, 0.3], ddof=1), "low": 0.1, "high": 0.3
    }  # fmt: skip
    assert np.isnan(band([0.1])["sd"])
