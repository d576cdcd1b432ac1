import numpy as np

from tst.diagnostics.forest.features.target_encoding import (
    ClaimEncoding,
    KeyedTotals,
    LiftEncoding,
    inner_folds,
)
from tst.diagnostics.forest.text.question_arrays import Claims


def codes(*values):
    return np.array(values, dtype=np.uint64)


def test_totals_leave_out_the_rows_own_fold():
    keys = codes(7, 7, 7, 9)
    values = np.array([[1.0], [2.0], [4.0], [8.0]])
    fold = np.array([0, 0, 1, 1])
    totals = KeyedTotals(keys, values, fold, 2)
    assert totals.of_training().ravel().tolist() == [4.0, 4.0, 3.0, 0.0]
    assert totals.of_heldout(codes(7, 9, 5)).ravel().tolist() == [7.0, 8.0, 0.0]


def test_totals_can_leave_out_a_second_fold():
    keys, values = codes(7, 7, 7, 7), np.array([[1.0], [2.0], [4.0], [8.0]])
    totals = KeyedTotals(keys, values, np.array([0, 1, 2, 2]), 3)
    # rows of fold 2 leave out their own fold alone, once
    assert totals.of_training(2).ravel().tolist() == [2.0, 1.0, 3.0, 3.0]
    assert totals.of_training(0).ravel().tolist() == [14.0, 12.0, 2.0, 2.0]


def test_totals_of_some_rows_count_all_of_them():
    rng = np.random.default_rng(0)
    keys, fold = rng.integers(0, 30, 200).astype(np.uint64), rng.integers(0, 4, 200)
    values, rows = rng.random((200, 2)), np.sort(rng.permutation(200)[:50])
    whole, some = (KeyedTotals(keys, values, fold, 4, chosen) for chosen in (None, rows))
    for without in (None, 2):
        expected = whole.of_training(without)[rows]
        np.testing.assert_array_equal(some.of_training(without), expected)
    np.testing.assert_array_equal(some.of_heldout(keys), whole.of_heldout(keys))


def test_lift_is_smoothed_log_of_hits_over_expected():
    keys, fold = codes(1, 1, 1, 2), np.array([0, 1, 1, 0])
    correct, baseline = np.array([1.0, 0.0, 1.0, 0.0]), np.full(4, 0.25)
    lift = LiftEncoding(1.0).fit(keys, correct, baseline, fold, 2)
    inside = lift.of_training()
    # row 0 sees rows 1 and 2 (one hit, 0.5 expected); row 3 is alone with its key
    assert np.allclose(inside[0], [np.log(2.0 / 1.5), np.log(3.0)])
    assert np.allclose(inside[3], [0.0, 0.0])
    assert np.allclose(lift.transform(codes(1))[0], [np.log(3.0 / 1.75), np.log(4.0)])


def test_claims_count_right_options_alone_and_turn_with_the_sign():
    claims = Claims(np.array([0, 1, 2, 3]), codes(5, 5, 5, 5), np.array([1.0, -1.0, 1.0, -1.0]))
    correct = np.array([1.0, 0.0, 1.0, 0.0])
    odds = ClaimEncoding(1.0).fit(claims, correct, np.zeros(4, dtype=int), 2)
    outside = odds.transform(claims, 4)
    assert np.allclose(outside[:, 0], np.log(3.0) * claims.sign)
    inside = odds.of_training()
    assert np.allclose(inside, 0.0)


def test_claims_of_some_options_are_those_of_all():
    rng = np.random.default_rng(0)
    row = np.sort(rng.integers(0, 60, 150))
    claims = Claims(row, rng.integers(0, 9, 150).astype(np.uint64), rng.choice([-1.0, 1.0], 150))
    correct, fold = (rng.random(60) < 0.4) * 1.0, rng.integers(0, 3, 60)
    rows = np.arange(1, 60, 2)
    whole, some = (ClaimEncoding(1.0).fit(claims, correct, fold, 3, r) for r in (None, rows))
    np.testing.assert_array_equal(some.of_training(1), whole.of_training(1)[rows])


def test_inner_folds_keep_units_whole_and_even():
    units = np.repeat(np.arange(50, dtype=np.uint64), 3)
    fold = inner_folds(units, 5, seed=1)
    assert all(len(set(fold[units == u])) == 1 for u in range(50))
    assert np.bincount(fold).tolist() == [30] * 5


def test_few_units_have_few_inner_folds():
    assert np.bincount(inner_folds(np.arange(12, dtype=np.uint64), 10, 0)).tolist() == [6, 6]
    assert np.bincount(inner_folds(np.arange(20, dtype=np.uint64), 10, 0)).tolist() == [5] * 4
