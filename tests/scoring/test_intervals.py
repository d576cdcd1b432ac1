import numpy as np
import pandas as pd
import pytest

from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.scoring.intervals import (
    bootstrap_column,
    bootstrap_intervals,
    bootstrap_units,
    clustered_standard_error,
    resample_groups,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


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


def resampled_by_hand(values, units, seed, resamples):
    """The bootstrap as it is told: draw groups, put their questions together, take the mean."""
    names = np.unique(units)
    rng = np.random.default_rng(seed)
    means = []
    for _ in range(resamples):
        drawn = [values[units == names[g]] for g in rng.integers(0, len(names), len(names))]
        means.append(np.nanmean(np.concatenate(drawn)))
    return np.percentile(means, [2.5, 97.5])


def test_whole_groups_are_drawn_and_their_questions_weigh_the_same():
    rng = np.random.default_rng(4)
    units = np.array(list("aabbbbcdddeeeeeeffg"))
    values = rng.random(len(units))
    values[5] = np.nan
    expected = resampled_by_hand(values, units, seed=3, resamples=400)
    np.testing.assert_allclose(intervals_of(values, units, seed=3, resamples=400), expected)


def test_two_groups_have_three_means():
    """a once and b three times as large: 0, 3/4 or 1, with probabilities 1/4, 1/2, 1/4."""
    low, high = intervals_of([0.0, 1.0, 1.0, 1.0], np.array(list("abbb")))
    assert (low, high) == (0.0, 1.0)
    block_of, draws = resample_groups(np.array(list("abbb")), seed=1, resamples=4000)
    assert block_of.tolist() == [0, 1, 1, 1]
    counts = np.concatenate(list(draws))
    assert counts.shape == (4000, 2)
    assert (counts.sum(axis=1) == 2).all()
    assert np.mean(counts[:, 0] == 1) == pytest.approx(0.5, abs=0.03)
    assert np.mean(counts[:, 0] == 0) == pytest.approx(0.25, abs=0.03)


def test_resamples_come_in_chunks_that_fit_the_memory(monkeypatch):
    units = np.arange(30)
    whole = np.concatenate(list(resample_groups(units, seed=5, resamples=100)[1]))
    monkeypatch.setattr("tst.scoring.intervals.MAX_COUNTS", 30 * 40)
    chunks = list(resample_groups(units, seed=5, resamples=100)[1])
    assert [len(chunk) for chunk in chunks] == [40, 40, 20]
    np.testing.assert_array_equal(np.concatenate(chunks), whole)


def test_too_many_groups_become_blocks_of_equal_size(monkeypatch):
    monkeypatch.setattr("tst.scoring.intervals.MAX_BLOCKS", 8)
    units = np.repeat(np.arange(24), 2)
    block_of, draws = resample_groups(units, resamples=10)
    assert np.bincount(block_of).tolist() == [6] * 8  # three groups of two questions each
    assert (block_of[::2] == block_of[1::2]).all()
    assert next(draws).shape == (10, 8)
    assert np.bincount(resample_groups(units[:16])[0]).tolist() == [2] * 8


def test_measures_of_a_question_are_resampled_together():
    """a and b differ by 0.1 everywhere: so do their means in every resample."""
    a = np.random.default_rng(6).random(40)
    members = np.ones((40, 1), dtype=bool)
    both = np.stack([a, a + 0.1, np.full(40, 0.1)], axis=1)
    result = bootstrap_intervals(both, members, np.arange(40), resamples=300)[0]
    np.testing.assert_allclose(result[1], result[0] + 0.1)
    np.testing.assert_allclose(result[2], [0.1, 0.1])


def test_one_resample_is_never_none(monkeypatch):
    monkeypatch.setattr("tst.scoring.intervals.MAX_COUNTS", 3)
    units = np.arange(5)  # more groups than counts fit: one resample at a time
    assert [len(chunk) for chunk in resample_groups(units, resamples=3)[1]] == [1, 1, 1]


def test_as_many_groups_as_blocks_stay_apart(monkeypatch):
    monkeypatch.setattr("tst.scoring.intervals.MAX_BLOCKS", 8)
    assert resample_groups(np.arange(8))[0].tolist() == list(range(8))


def test_another_seed_draws_others():
    values = np.random.default_rng(7).random(20)
    one, two = (intervals_of(values, np.arange(20), seed=s, resamples=200) for s in (0, 1))
    assert (one != two).all()
    assert (one == intervals_of(values, np.arange(20), resamples=200)).all()
    unseeded = next(resample_groups(np.arange(20), resamples=50)[1])
    assert (unseeded == next(resample_groups(np.arange(20), 0, 50)[1])).all()


def test_one_group_has_no_interval():
    values = np.array([[0.0, 1.0], [1.0, np.nan], [1.0, np.nan], [0.0, 1.0]])
    members = np.array([[True, True], [True, True], [True, False], [True, False]])
    units = np.array(["a", "a", "b", "a"])
    result = bootstrap_intervals(values, members, units, resamples=500)
    assert np.isfinite(result[0, 0]).all()
    assert np.isnan(result[0, 1]).all()  # measured in one group alone
    assert np.isnan(result[1]).all()


def test_one_group_has_no_standard_error():
    values = np.array([0.0, 1.0, 1.0, 0.0])
    assert np.isnan(clustered_standard_error(values, np.array(["a"] * 4)))
    two = clustered_standard_error(values, np.array(["a", "a", "b", "b"]))
    assert two == 0.0
    alone = clustered_standard_error(values, np.arange(4))
    assert alone == pytest.approx(values.std(ddof=1) / 2)


def test_the_standard_error_of_groups_by_hand():
    """Differences from the mean 0.5 add up to -0.5, 0.0 and 0.5 in the three groups."""
    values = np.array([0.0, 0.5, 0.0, 1.0, 1.0, 0.5])
    units = np.array(list("aabbcc"))
    expected = np.sqrt(3 / 2 * (0.25 + 0.0 + 0.25)) / 6
    assert clustered_standard_error(values, units) == pytest.approx(expected)


def grouped_table():
    """Eight questions in scenes of four, images of two and one source."""
    rows = [
        {"id": str(i), "question_type": "t", "format": "num", "question": f"{i}?", "answer": 1.0,
         "group_image": f"i{i // 2}", "group_scene": f"s{i // 4}", "group_source": "all"}
        for i in range(8)
    ]  # fmt: skip
    return build_table("t", rows)


def test_intervals_resample_the_groups_that_folds_keep_whole():
    table = grouped_table()
    images = plan_folds(table.frame, 2, group_by="image")
    assert bootstrap_column(table, images) == "group_image"
    assert bootstrap_units(table, images).tolist() == [f"i{i // 2}" for i in range(8)]
    scenes = plan_folds(table.frame, 2, group_by="scene")
    assert bootstrap_column(table, scenes) == "group_scene"


def test_random_folds_resample_the_coarsest_declared_group():
    table = grouped_table()
    plan = plan_folds(table.frame, 2)
    assert bootstrap_column(table, plan) == "group_scene"
    table.frame = table.frame.drop(columns=["group_scene", "group_image"])
    assert bootstrap_column(table, plan) is None
    assert bootstrap_units(table, plan).tolist() == list(range(8))


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


def test_a_set_whose_baseline_leaves_nothing_has_no_interval_and_no_warning():
    """All weights 1 - b are 0: the ratio of sums is -0.5 / 0."""
    bounds = bootstrap_intervals(
        np.array([[-0.5], [-0.5], [-0.5]]),
        np.ones((3, 1), dtype=bool),
        np.arange(3),
        resamples=10,
        per=np.zeros((3, 1)),
    )
    assert np.isnan(bounds).all()


@pytest.mark.parametrize("at_once", [1, 20, 8_192])
def test_draws_are_those_of_one_resample_after_the_other(monkeypatch, at_once):
    monkeypatch.setattr("tst.scoring.intervals.DRAWN_AT_ONCE", at_once)
    _, draws = resample_groups(np.arange(7), seed=3, resamples=50)
    rng = np.random.default_rng(3)
    alone = [np.bincount(rng.integers(0, 7, 7), minlength=7) for _ in range(50)]
    np.testing.assert_array_equal(np.concatenate(list(draws)), alone)
