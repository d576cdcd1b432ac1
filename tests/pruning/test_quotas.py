import numpy as np
import pandas as pd
import pytest

from tst.core.errors import UserError
from tst.core.ranges import find_range_problems
from tst.pruning.allocation import choose_batch, find_removable, largest_remainder, plan_quotas
from tst.pruning.settings import PruneSettings, as_count, find_conflicts, is_amount


def make_frame(**types: tuple[str, int]) -> pd.DataFrame:
    rows = [
        {"id": f"{name}{i}", "question_type": name, "format": kind}
        for name, (kind, count) in types.items()
        for i in range(count)
    ]
    return pd.DataFrame(rows)


FRAME = make_frame(a=("mc", 50), b=("mc", 30), c=("num", 20))


@pytest.mark.parametrize(
    ("weights", "total", "expected"),
    [
        ({"a": 50, "b": 30, "c": 20}, 10, {"a": 5, "b": 3, "c": 2}),
        ({"a": 1, "b": 1, "c": 1}, 2, {"a": 1, "b": 1, "c": 0}),  # ties by name
        ({"a": 7, "b": 2, "c": 1}, 5, {"a": 4, "b": 1, "c": 0}),  # 3.5, 1.0, 0.5: a before c
        ({"a": 3, "b": 0}, 3, {"a": 3, "b": 0}),
        ({"a": 0, "b": 0}, 0, {"a": 0, "b": 0}),
        ({"a": 2, "b": 3}, 5, {"a": 2, "b": 3}),
    ],
)
def test_largest_remainder(weights, total, expected):
    assert largest_remainder(weights, total) == expected


def test_shares_never_exceed_whole_weights():
    rng = np.random.default_rng(0)
    for _ in range(200):
        weights = {str(i): int(w) for i, w in enumerate(rng.integers(0, 9, 6))}
        total = int(rng.integers(0, sum(weights.values()) + 1))
        shares = largest_remainder(weights, total)
        assert sum(shares.values()) == total
        assert all(shares[name] <= weights[name] for name in weights)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"a": 10, "b": 6, "c": 4}),
        ({"budget": 7}, {"a": 4, "b": 2, "c": 1}),
        ({"budget": 0.1, "allocation": "per_format"}, {"mc": 8, "num": 2}),
        ({"budget": 9, "allocation": "global"}, {"all": 9}),
        ({"shares": {"a": 3, "c": 0.5}}, {"a": 3, "b": 0, "c": 10}),
        ({"shares": {"a": 0.25, "b": 0.25}}, {"a": 13, "b": 7, "c": 0}),  # 12.5 and 7.5 of 20
        ({"shares": {"num": 2}, "allocation": "per_format"}, {"mc": 0, "num": 2}),
    ],
)
def test_budgets_are_shared_out(settings, expected):
    quotas = plan_quotas(PruneSettings(**settings), FRAME, None)
    assert quotas.removable == expected
    assert quotas.budget == sum(expected.values())


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # a fifth of the 70 questions of a and c, as 30 to 10
        ({}, {"a": 11, "b": 0, "c": 3}),  # 10.5 and 3.5: a before c
        ({"budget": 40}, {"a": 30, "b": 0, "c": 10}),
        # more than they have to mend: by size
        ({"budget": 42}, {"a": 30, "b": 0, "c": 12}),
        ({"budget": 70}, {"a": 50, "b": 0, "c": 20}),
        ({"budget": 8, "allocation": "per_format"}, {"mc": 6, "num": 2}),
        ({"budget": 9, "allocation": "global"}, {"all": 9}),
    ],
)
def test_budgets_go_where_there_is_most_to_mend(settings, expected):
    quotas = plan_quotas(PruneSettings(**settings), FRAME, to_mend={"a": 30, "c": 10})
    assert quotas.removable == expected
    assert quotas.floors["b"] == 30


def test_counts_like_another_list():
    quotas = plan_quotas(PruneSettings(like="x"), FRAME, ["a1", "a2", "c0"])
    assert quotas.removable == {"a": 2, "b": 0, "c": 1}
    with pytest.raises(UserError, match=r"1 of its 2 ids are not in this benchmark.*zzz"):
        plan_quotas(PruneSettings(like="x"), FRAME, ["a1", "zzz"])
    with pytest.raises(UserError, match="more than once"):
        plan_quotas(PruneSettings(like="x"), FRAME, ["a1", "a1"])


def test_batches_by_default_are_a_hundredth_and_at_least_ten():
    assert plan_quotas(PruneSettings(), FRAME, None).batch == 10
    large = make_frame(a=("mc", 2000))
    assert plan_quotas(PruneSettings(), large, None).batch == 20
    assert plan_quotas(PruneSettings(batch=0.05), large, None).batch == 100
    assert plan_quotas(PruneSettings(batch=3), large, None).batch == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 101}, "has only 100 questions"),
        ({"shares": {"d": 3}}, "prune.shares.d: no such type"),
        ({"shares": {"mcq": 3}, "allocation": "per_format"}, "no such format"),
        ({"shares": {"a": 51}}, "has only 50 questions"),
    ],
)
def test_what_the_benchmark_does_not_have_is_refused(settings, message):
    with pytest.raises(UserError, match=message):
        plan_quotas(PruneSettings(**settings), FRAME, None)


def test_floors_are_ten_or_the_size_of_the_type():
    frame = make_frame(a=("mc", 40), b=("mc", 12), c=("mc", 4))
    quotas = plan_quotas(PruneSettings(budget=0.9, allocation="global"), frame, None)
    assert quotas.floors == {"a": 10, "b": 10, "c": 4}
    everyone = np.arange(len(frame))
    chosen = choose_batch(quotas, everyone, everyone, {}, 50)
    left = frame.drop(index=chosen)["question_type"].value_counts()
    assert left.to_dict() == {"a": 10, "b": 10, "c": 4}
    assert not find_removable(quotas, np.setdiff1d(everyone, chosen), {"all": len(chosen)}).any()


def test_a_batch_follows_the_ranking_within_its_share():
    quotas = plan_quotas(PruneSettings(budget=10), FRAME, None)  # a 5, b 3, c 2
    everyone = np.arange(100)
    ranked = everyone[::-1]  # c first, then b, then a
    chosen = choose_batch(quotas, ranked, everyone, {}, 5)  # a 2.5, b 1.5, c 1: a before b
    assert chosen.tolist() == [99, 79, 49, 48, 47]
    first = choose_batch(quotas, ranked, everyone, {"a": 5, "b": 1}, 3)
    assert first.tolist() == [99, 79, 78]  # b and c have 2 each to give: a tie, by name


def test_a_batch_of_the_global_allocation_is_the_top_of_the_ranking():
    quotas = plan_quotas(PruneSettings(budget=10, allocation="global"), FRAME, None)
    ranked = np.random.default_rng(0).permutation(100)
    assert choose_batch(quotas, ranked, np.arange(100), {}, 4).tolist() == ranked[:4].tolist()


def test_amounts():
    assert [is_amount(v) for v in (1, 20, 0.2, 0.999)] == [True] * 4
    assert [is_amount(v) for v in (0, -1, 1.0, 1.5, True, "20", None)] == [False] * 7
    assert (as_count(3, 100), as_count(0.25, 90)) == (3, 22)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 1.5}, "prune.budget=1.5: expected a count"),
        ({"batch": 0}, "prune.batch=0"),
        ({"rank_by": "p"}, "adjusted, s, delta"),
        ({"allocation": "type"}, "per_type, per_format, global"),
        ({"judge": 5}, "prune.judge=5: expected the name of a diagnostic"),
        ({"judge_seeds": [4, 42]}, "other than the chooser's"),
        ({"judge_folds": ["scene"]}, "random, grouped"),
        ({"refresh": 6}, "1 to fold.repeats=5"),
        ({"like": "x", "shares": {"a": 1}}, "prune.shares and prune.like: each says"),
        ({"like": "x", "budget": 10}, "prune.like and prune.budget"),
        ({"like": "x", "allocation": "global"}, "per_type"),
        ({"shares": {"a": 1}, "allocation": "global"}, "has no shares"),
        ({"shares": {"a": 1.5}}, "prune.shares.a=1.5"),
        ({"blind": {"m": ["x"]}}, "prune.predictions has no m"),
        ({"floor": -1}, "prune.floor=-1: expected at least 0"),
        ({"random_draws": -1}, "prune.random_draws=-1: expected a count of 0 or more"),
        ({"random_draws": {"rf": 1.5}}, "or {judge: count}"),
        ({"random_draws": {"human": 1}}, "expected a judge: rf, lora_llm"),
        ({"compare": {"ours": "ids.txt"}}, "prune.compare.ours: this name is taken"),
        ({"compare": "ids.txt"}, "prune.compare=ids.txt: expected {name"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    chosen = PruneSettings(**settings)
    problems = find_range_problems(chosen, "prune") + find_conflicts(chosen, [0, 1, 2, 3, 4])
    assert len(problems) == 1
    assert message in problems[0]


def test_the_defaults_are_possible():
    assert find_range_problems(PruneSettings()) == []
    assert find_conflicts(PruneSettings(), [0, 1, 2, 3, 4]) == []
