"""How a statistic is chosen: reliability, the simpler of two alike, evidence, a named shortcut."""

import numpy as np
import pytest

from tst.diagnostics.forest.shortcuts import CHOICES
from tst.stress_testing.shortcuts.statistics import (
    Statistic,
    lower_bound,
    rank_statistics,
    reliability,
)

N = 40


def statistic(name, right, picks=None, hits=10.0, favours=False):
    """A statistic that picks an answer for every question, which is right for the first ones."""
    credit = (np.arange(N) < right).astype(float)
    picks = np.ones(N, dtype=bool) if picks is None else picks
    full = np.ones(N)
    return Statistic(
        name, picks, credit * picks, np.full(N, favours), hits * full, 2.5 * full, 12 * full,
        None, np.zeros((N, 2), dtype=np.uint64),
    )  # fmt: skip


def rank(*statistics):
    kind = np.zeros(N, dtype=np.uint64)
    return rank_statistics(list(statistics), kind, np.full(N, 0.25), CHOICES)


def test_reliability_is_the_lower_end_of_wilsons_interval():
    """By hand, of 30 right of 40 with 1.64 standard errors."""
    share, n, z = 0.75, 40, 1.64
    centre = share + z * z / (2 * n)
    spread = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    assert lower_bound(share, n) == pytest.approx((centre - spread) / (1 + z * z / n))
    few = np.arange(N) < 9
    assert (reliability(statistic("length.x", 9, few), np.zeros(N, np.uint64)) == 0).all()


def test_the_most_reliable_statistic_is_chosen_and_the_simpler_of_two_alike():
    ranking = rank(
        statistic("order.x", 36), statistic("position.type", 20), statistic("length.type_rank", 20)
    )
    chosen, reliable = ranking.choose()
    assert ranking.statistics[chosen[0]].name == "order.x"
    assert reliable[0] == pytest.approx(lower_bound(0.9, N))
    assert chosen[39] == -1  # none of them picks the gold answer
    alike = rank(
        statistic("order.x", 20), statistic("length.type_rank", 20), statistic("position.type", 20)
    )
    assert alike.statistics[alike.choose()[0][0]].name == "position.type"


def test_of_a_shortcuts_statistics_the_one_with_most_evidence_is_named():
    ranking = rank(
        statistic("entities.pair", 30, hits=4.0), statistic("entities.words", 30, hits=9.0)
    )
    assert ranking.statistics[ranking.choose()[0][0]].name == "entities.words"


def test_statistics_that_only_favour_the_answer_count_for_half():
    favouring = statistic("order.x", 36, favours=True)
    ranking = rank(favouring, statistic("position.type", 40))
    assert ranking.statistics[ranking.choose()[0][39]].name == "position.type"
    alone = rank(favouring)
    assert alone.choose()[0][39] == 0
    assert alone.gain[39, 0] == pytest.approx(alone.gain[0, 0] / 2)


def test_one_shortcut_may_be_asked_for():
    ranking = rank(statistic("order.x", 36), statistic("position.type", 20))
    among = np.full(N, "", dtype=object)
    among[:3] = ["position", "order", "length"]
    names = [None if i < 0 else ranking.statistics[i].name for i in ranking.choose(among)[0][:4]]
    assert names == ["position.type", "order.x", None, "order.x"]


def test_what_is_no_better_than_chance_explains_nothing():
    assert (rank(statistic("position.type", 10)).choose()[0] == -1).all()
