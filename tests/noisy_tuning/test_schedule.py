"""Schedules: what every step sees."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tst.core.errors import UserError
from tst.noisy_tuning.schedule import plan_steps
from tst.noisy_tuning.settings import ScheduleSettings


def flags(n, n_corrupted):
    return np.random.default_rng(0).permutation(np.arange(n) < n_corrupted)


def plan(kind="plain", n=300, n_corrupted=90, steps=150, batch_size=32, seed=0):
    settings = ScheduleSettings(kind, steps, batch_size)
    return plan_steps(flags(n, n_corrupted), settings, seed)


@pytest.mark.parametrize("kind", ["plain", "probe"])
def test_every_step_has_a_whole_batch_without_repeats(kind):
    steps = plan(kind)
    assert len(steps) == 150
    for step in steps:
        assert len(step.rows) == len(set(step.rows)) == 32


@given(n=st.integers(8, 40), batch_size=st.integers(1, 8))
def test_each_epoch_holds_every_row_once(n, batch_size):
    order = [int(r) for s in plan("plain", n, 3, 4 * n, batch_size) for r in s.rows]
    for start in range(0, len(order) - n, n):
        assert sorted(order[start : start + n]) == list(range(n))


def test_probe_steps_are_what_they_say():
    corrupted = flags(300, 90)
    for step in plan("probe"):
        share = corrupted[step.rows].mean()
        if step.kind == "mixed":
            assert 0 < share < 1
        else:
            assert share == (step.kind == "corrupted")


def test_probe_has_one_step_of_each_kind_a_round_in_varying_order():
    kinds = [step.kind for step in plan("probe")]
    rounds = [tuple(kinds[i : i + 3]) for i in range(0, 150, 3)]
    assert all(sorted(r) == ["clean", "corrupted", "mixed"] for r in rounds)
    assert len(set(rounds)) == 6


def test_probe_draws_each_kind_in_epochs():
    rows = [int(r) for s in plan("probe") if s.kind == "corrupted" for r in s.rows]
    counts = Counter(rows)
    assert len(counts) == 90
    assert max(counts.values()) - min(counts.values()) <= 1


def test_mixed_steps_have_the_shares_of_the_whole():
    shares = [flags(300, 90)[s.rows].mean() for s in plan("plain")]
    assert np.mean(shares) == pytest.approx(0.3, abs=0.01)
    assert max(shares) < 0.7  # hence the probe


def test_the_seed_decides_and_steps_can_be_added():
    first, again, other = plan(seed=1), plan(seed=1), plan(seed=2)
    assert all(np.array_equal(a.rows, b.rows) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.rows, b.rows) for a, b in zip(first, other, strict=True))
    for kind in ("plain", "probe"):
        longer, shorter = plan(kind, steps=151), plan(kind, steps=100)
        assert all(np.array_equal(a.rows, b.rows) for a, b in zip(longer, shorter, strict=False))


def test_pools_smaller_than_a_batch_are_refused():
    with pytest.raises(UserError, match="20 corrupted training pairs, too few"):
        plan("probe", n=100, n_corrupted=20)
    with pytest.raises(UserError, match="there are 20 training pairs"):
        plan("plain", n=20, n_corrupted=6)
    plan("plain", n=100, n_corrupted=20)
