import numpy as np
import pandas as pd

from tst.pruning.intervals import Sample, compare_samples, describe_sample
from tst.pruning.judging import band, draw_at_random


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
    hard = pd.Series(hard, dtype=float)
    s = hard if s is None else pd.Series(s, dtype=float)
    return Sample(np.asarray(rows), s, pd.Series(np.full(len(hard), baseline)), hard)


def test_intervals_hold_the_figure_and_pair_over_groups():
    rng = np.random.default_rng(0)
    n = 400
    units = np.repeat(np.arange(100), 4)
    hard = (rng.random(n) < 0.5).astype(float)
    all_ = make_sample(np.arange(n), hard)
    rest = make_sample(np.arange(0, n, 2), hard[::2])
    result = compare_samples({"ours": rest, "all": all_, "same": rest}, units, "ours")
    for name, sample in (("ours", rest), ("all", all_)):
        figures = describe_sample(sample)
        for field in ("adjusted", "score_hard"):
            low, high = result[name]["interval"][field]
            assert low < figures[field] < high
    # the standard error of a mean of 400 coins is 0.025
    low, high = result["all"]["interval"]["score_hard"]
    assert 0.07 < high - low < 0.13
    assert "difference" not in result["ours"]
    assert result["same"]["difference"] == {"adjusted": [0.0, 0.0], "score_hard": [0.0, 0.0]}
    low, high = result["all"]["difference"]["score_hard"]
    assert low < hard[::2].mean() - hard.mean() < high


def test_many_groups_are_merged_into_blocks():
    hard = np.tile([0.0, 1.0], 2000)
    sample = make_sample(np.arange(4000), hard)
    result = compare_samples({"ours": sample}, np.arange(4000), "ours")
    low, high = result["ours"]["interval"]["score_hard"]
    assert 0.02 < high - low < 0.045


def test_band():
    assert band([0.1, 0.3]) == {
        "draws": 2, "mean": 0.2, "sd": np.std([0.1, 0.3], ddof=1), "low": 0.1, "high": 0.3
    }  # fmt: skip
    assert np.isnan(band([0.1])["sd"])
