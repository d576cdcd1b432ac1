import numpy as np
import pytest

from tst.stats import bootstrap_intervals


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
