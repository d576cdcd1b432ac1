from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tst.core.errors import UserError
from tst.core.folds import (
    STRATIFY,
    _deal,
    _deal_groups,
    _draws,
    describe_scheme,
    fold_seed,
    plan_folds,
    scheme_name,
    split,
)
from tst.core.questions import build_table


def make_table(n: int = 203, groups: int = 17, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        kind = ("mc", "num", "open")[i % 3]
        rows.append(
            {
                "id": f"q{i}",
                "question_type": f"{kind}{i % 2}",
                "format": kind,
                "question": f"Question {i} about {rng.integers(5)}?",
                "options": ["red", "green", "blue"] if kind == "mc" else None,
                "answer": {
                    "mc": int(rng.integers(3)),
                    "num": float(rng.integers(1, 50)),
                    "open": ["yes"],
                }[kind],
                "group_scene": f"scene{rng.integers(groups)}",
            }
        )
    return build_table("made", rows).frame


def test_every_question_is_held_out_once_a_repeat():
    plan = plan_folds(make_table(), k=5, repeats=3)
    assert plan.assignment.shape == (3, 203)
    assert set(plan.assignment.ravel()) == set(range(5))
    assert len(plan.folds()) == 15
    assert plan.folds(only=[1]) == [(0, 1), (1, 1), (2, 1)]
    assert (plan.assignment[0] != plan.assignment[1]).any()


@pytest.mark.parametrize("column", ["question_type", "format"])
def test_random_folds_are_even_in_every_type(column):
    table = make_table()
    fold = pd.Series(plan_folds(table, k=5).assignment[0])
    counts = pd.crosstab(table[column], fold)
    assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 2


def answer_shares(table: pd.DataFrame, stratify: str) -> pd.DataFrame:
    """How many questions of each (type, gold option) every fold holds out."""
    mc = table["format"] == "mc"
    fold = pd.Series(plan_folds(table, k=5, stratify=stratify).assignment[0])[mc]
    return pd.crosstab(table["question_type"][mc] + table["answer"][mc].astype(str), fold)


def test_folds_are_even_in_every_answer_only_when_asked():
    table = make_table(900)
    even = answer_shares(table, "answer")
    assert (even.max(axis=1) - even.min(axis=1)).max() <= 1
    for stratify in ("type", "none"):
        chance = answer_shares(table, stratify)
        assert (chance.max(axis=1) - chance.min(axis=1)).max() > 3


def test_numbers_are_even_in_every_fifth_of_their_type():
    table = make_table(900)
    fold = plan_folds(table, k=5, stratify="answer").assignment[0]
    for _, rows in table[table["format"] == "num"].groupby("question_type"):
        fifth = np.ceil(5 * rows["answer"].astype(float).rank(method="min", pct=True))
        counts = pd.crosstab(fifth, fold[rows.index])
        assert (counts.max(axis=1) - counts.min(axis=1)).max() <= 1


def test_folds_that_are_not_stratified_are_even_as_a_whole_alone():
    table = make_table(900)
    fold = pd.Series(plan_folds(table, k=5, stratify="none").assignment[0])
    assert fold.value_counts().tolist() == [180] * 5
    counts = pd.crosstab(table["question_type"], fold)
    assert (counts.max(axis=1) - counts.min(axis=1)).max() > 2


@pytest.mark.parametrize("group_by", [None, "scene"])
@pytest.mark.parametrize("stratify", STRATIFY)
def test_no_answer_shapes_a_plan_that_is_not_stratified_by_it(stratify, group_by):
    table = make_table(600, groups=60)
    others = table.copy()
    for _, rows in table.groupby(["question_type", "format"]):
        others.loc[rows.index, "answer"] = rows["answer"].sample(frac=1, random_state=1).to_numpy()
    plans = [plan_folds(t, group_by=group_by, stratify=stratify) for t in (table, others)]
    assert all(plan.stratify == stratify for plan in plans)
    same = (plans[0].assignment == plans[1].assignment).all()
    assert same == (stratify != "answer")


def test_grouped_folds_that_are_not_stratified_ignore_types():
    table = make_table(600, groups=60)
    plans = {s: plan_folds(table, group_by="scene", stratify=s).assignment[0] for s in STRATIFY}
    for fold in plans.values():
        assert pd.Series(fold).groupby(table["group_scene"]).nunique().max() == 1
    assert (plans["type"] != plans["none"]).any()
    sizes = np.bincount(plans["none"])
    assert sizes.max() - sizes.min() <= 0.05 * sizes.mean()


def test_no_group_is_in_two_folds_and_folds_stay_even():
    table = make_table(2000, groups=150)
    fold = plan_folds(table, k=5, group_by="scene").assignment[0]
    folds_of_group = pd.Series(fold).groupby(table["group_scene"]).nunique()
    assert folds_of_group.max() == 1
    sizes = np.bincount(fold)
    assert sizes.max() - sizes.min() < 0.1 * sizes.mean()
    counts = pd.crosstab(table["question_type"], pd.Series(fold))
    assert (counts.max(axis=1) / counts.min(axis=1)).max() < 1.3


@pytest.mark.parametrize("group_by", [None, "scene"])
def test_plan_does_not_depend_on_row_order(group_by):
    table = make_table()
    shuffled = table.sample(frac=1.0, random_state=3).reset_index(drop=True)
    one = plan_folds(table, group_by=group_by)
    two = plan_folds(shuffled, group_by=group_by)
    fold_of = dict(zip(table["id"], one.assignment[0], strict=True))
    assert [fold_of[i] for i in shuffled["id"]] == list(two.assignment[0])
    ids_one = list(table["id"].to_numpy()[one.order])
    assert ids_one == list(shuffled["id"].to_numpy()[two.order])


def test_heldout_part_has_no_answer_no_id_and_no_truth():
    table = make_table().assign(planted=1, cue="length")
    plan = plan_folds(table, group_by="scene")
    train, heldout = split(table, plan, 0, 2)
    assert "answer" in train and "answer" not in heldout
    assert not {"id", "planted", "cue"} & (set(train) | set(heldout))
    assert not set(train["unit"]) & set(heldout["unit"])
    assert sorted([*train.index, *heldout.index]) == list(range(len(table)))


def test_what_cannot_be_planned_is_refused_with_the_fix():
    table = make_table(12, groups=3)
    with pytest.raises(UserError, match=r"fold\.k=5.*3, the number of groups"):
        plan_folds(table, k=5, group_by="scene")
    with pytest.raises(UserError, match=r"^fold\.k=13: .* 12, the number of questions, e"):
        plan_folds(table, k=13)
    with pytest.raises(UserError, match=r"folds need 2 questions or more; there are 1\.$"):
        plan_folds(table.iloc[:1])
    with pytest.raises(UserError, match=r"declares the groups scene; use fold\.group_by=scene"):
        plan_folds(table, group_by="video")
    with pytest.raises(UserError, match=r"no groups; use fold=random5"):
        plan_folds(table.drop(columns="group_scene"), group_by="scene")
    with pytest.raises(UserError, match=r"fold\.stratify=row: expected one of type, answer, none"):
        plan_folds(table, stratify="row")


def dealt_by_definition(strata, units, seed, k):
    """Largest group first, each to the fold where all folds together then cost least.

    A fold costs the squared shares of every stratum that it has, and as many times the squared
    share of all questions. Groups of a size, and folds that cost the same, go by their draws.
    """
    draws = dict(zip(sorted(set(units)), _draws(np.array(sorted(set(units))), seed), strict=True))
    sizes = Counter(units)
    folds = [[] for _ in range(k)]

    def cost(members):
        shares = [n / strata.count(s) for s, n in Counter(strata[i] for i in members).items()]
        return sum(x**2 for x in shares) + len(set(strata)) * (len(members) / len(strata)) ** 2

    for unit in sorted(sizes, key=lambda u: (-sizes[u], draws[u])):
        own = [i for i, u in enumerate(units) if u == unit]
        costs = [cost(members + own) - cost(members) for members in folds]
        turn = [(f + int(draws[unit]) % k) % k for f in range(k)]
        folds[min(range(k), key=lambda f: (round(costs[f], 9), turn[f]))] += own
    return [next(f for f in range(k) if i in folds[f]) for i in range(len(units))]


@pytest.mark.parametrize("seed", range(12))
def test_groups_go_where_the_strata_stay_most_even(seed):
    rng = np.random.default_rng(seed)
    n, k = 60, 2 + seed % 4
    units = [f"g{g}" for g in rng.integers(0, 18, n)]
    strata = [f"s{s}" for s in rng.choice(4, n, p=[0.6, 0.2, 0.15, 0.05])]
    found = _deal_groups(np.array(strata, object), np.array(units, object), seed, k)
    assert found.tolist() == dealt_by_definition(strata, units, seed, k)


def test_questions_are_dealt_in_turn_within_their_strata():
    strata = np.array(list("bbabab"), dtype=object)
    draws = np.array([5, 3, 9, 7, 4, 8], dtype=np.uint64)
    # a: rows 4, 2 (draws 4, 9); b: rows 1, 0, 3, 5; dealt from fold 3 % 3 on
    assert _deal(strata, draws, 3).tolist() == [0, 2, 1, 1, 0, 2]
    later = _deal(strata, draws + np.uint64(1), 3)  # from fold 4 % 3 on
    assert later.tolist() == [1, 0, 2, 2, 1, 0]


def test_draws_are_of_the_key_and_the_seed():
    one = _draws(np.array(["a", "b"]), 1)
    assert one.tolist() == [_draws(np.array(["b", "a"]), 1)[1], _draws(np.array(["b"]), 1)[0]]
    assert len({*one.tolist(), *_draws(np.array(["a", "b"]), 2).tolist()}) == 4
    assert one.dtype == np.uint64
    # plans are part of a record's identity: they stay as they are
    assert one.tolist() == [17548568729252930709, 12798115917402520001]


@pytest.mark.parametrize(
    ("plan", "name", "text"),
    [
        ((5, None, "type"), "random5", "5 random folds"),
        ((10, "scene", "type"), "grouped10-scene", "10 folds by scene"),
        ((5, None, "answer"), "random5-by-answer", "5 random folds, stratified by answer"),
        ((3, "video", "none"), "grouped3-video-unstratified", "3 folds by video, not stratified"),
    ],
)
def test_how_folds_are_made_has_a_name(plan, name, text):
    assert scheme_name(*plan) == name
    assert describe_scheme(*plan) == text


def test_fold_seeds_differ():
    seeds = {fold_seed(s, r, f) for s in range(5) for r in range(3) for f in range(5)}
    assert len(seeds) == 75


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 60), st.integers(2, 6), st.integers(0, 3))
def test_rare_strata_are_never_an_error(n, k, seed):
    table = make_table(n, groups=n)
    assignment = plan_folds(table, k=k, seed=seed).assignment[0]
    sizes = np.bincount(assignment, minlength=k)
    assert sizes.max() - sizes.min() <= 1


def with_copies(sets: dict[str, list[int]]) -> pd.DataFrame:
    table = make_table()
    table["copies"] = ""
    for name, rows in sets.items():
        table.loc[rows, "copies"] = name
    return table


@pytest.mark.parametrize("group_by", [None, "scene"])
@pytest.mark.parametrize("stratify", STRATIFY)
def test_copies_of_a_question_are_held_out_together(group_by, stratify):
    table = with_copies({f"copies of q{i}": [i, i + 60, i + 120] for i in range(40)})
    table["group_scene"] = [f"scene{i % 60 // 2}" for i in range(len(table))]
    plan = plan_folds(table, k=5, repeats=2, group_by=group_by, stratify=stratify)
    for assignment in plan.assignment:
        for _, rows in table[table["copies"] != ""].groupby("copies"):
            assert len(set(assignment[rows.index])) == 1
        if group_by:
            for _, rows in table.groupby("group_scene"):
                assert len(set(assignment[rows.index])) == 1
    if group_by is None:
        sizes = np.bincount(plan.assignment[0])
        assert sizes.max() - sizes.min() <= 6


def test_copies_are_no_model_input():
    table = with_copies({"copies of q0": [0, 60]})
    train, heldout = split(table, plan_folds(table), 0, 0)
    assert "copies" not in train and "copies" not in heldout


def test_groups_that_copies_connect_are_one_unit():
    table = make_table().assign(group_scene=[f"s{i}" for i in range(203)], copies="")
    table.loc[[0, 1], "copies"] = "one"
    table.loc[2, "group_scene"] = "s1"
    plan = plan_folds(table, group_by="scene")
    assert plan.units[0] == plan.units[1] == plan.units[2] != plan.units[3]
