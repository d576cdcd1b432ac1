"""Fold plans: which questions are held out together.

Folds are stratified by question type and format, so that no answer shapes the plan. Stratifying by
answer, as the paper does, gives every fold the answer counts of the whole benchmark: the most
frequent answer of a small type's training part is then that of the whole type, chosen with the
held-out rows. Grouped folds keep a group whole and are stratified as well as that allows. A plan
depends on the questions' content and the seed, not on row order.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.core.disjoint_sets import DisjointSets
from tst.core.errors import UserError
from tst.core.questions import COPIES, GROUP_PREFIX, TRUTH_COLUMNS, content_keys, declared_groups

NUM_QUANTILES = 5

TYPE, ANSWER, NONE = "type", "answer", "none"
STRATIFY = (TYPE, ANSWER, NONE)
"""What folds are balanced by: type and format; these and the answer (num: its fifth within the
type); or nothing."""

SCHEME_SUFFIXES = {TYPE: "", ANSWER: "-by-answer", NONE: "-unstratified"}
"""Endings of ``scheme_name``."""


@dataclass(frozen=True)
class FoldPlan:
    """Which fold holds out which question, for every repeat.

    assignment: int array (repeats, n), the fold of each question in table order
    units: object array (n,), what a fold keeps whole: the group (those that circular copies
        connect are one), else a set of copies, else each question for itself
    order: int array (n,), table positions in an order that depends on content alone
    stratify: one of ``STRATIFY``
    """

    k: int
    seed: int
    group_by: str | None
    stratify: str
    assignment: np.ndarray
    units: np.ndarray
    order: np.ndarray

    @property
    def repeats(self) -> int:
        return len(self.assignment)

    def folds(self, only: list[int] | None = None) -> list[tuple[int, int]]:
        """All (repeat, fold) pairs, or those of some folds in every repeat."""
        wanted = range(self.k) if only is None else only
        return [(r, f) for r in range(self.repeats) for f in wanted]

    def heldout_rows(self, repeat: int, fold: int) -> np.ndarray:
        """Table positions of a fold's held-out questions, in the order a diagnostic sees them."""
        return self.order[self.assignment[repeat][self.order] == fold]


def scheme_name(k: int, group_by: str | None, stratify: str) -> str:
    """How folds are made, as a folder name: random5, grouped5-scene, random5-by-answer."""
    name = f"random{k}" if group_by is None else f"grouped{k}-{group_by}"
    return name + SCHEME_SUFFIXES[stratify]


def describe_scheme(k: int, group_by: str | None, stratify: str) -> str:
    """How folds are made, for people: 5 random folds; 5 folds by scene, stratified by answer."""
    text = f"{k} random folds" if group_by is None else f"{k} folds by {group_by}"
    return text + {TYPE: "", ANSWER: ", stratified by answer", NONE: ", not stratified"}[stratify]


def fold_seed(seed: int, repeat: int, fold: int) -> int:
    """The training seed of one fold, from (fold.seed, repeat, fold); 32 bits."""
    return int(np.random.SeedSequence([seed, repeat, fold]).generate_state(1)[0])


def split(
    table: pd.DataFrame, plan: FoldPlan, repeat: int, fold: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training part and the held-out part of one fold, as a diagnostic may see them.

    Neither has the id, the copies or the truth columns; the held-out part has no ``answer``. Both
    have ``unit`` (what folds keep whole, for inner splits; not a feature). The index keeps table
    positions; rows come in content order, so that nothing can depend on the file's order.
    """
    held = plan.assignment[repeat][plan.order] == fold
    hidden = [c for c in ("id", COPIES, *TRUTH_COLUMNS) if c in table]
    visible = table.drop(columns=hidden).assign(unit=plan.units)
    train = visible.loc[plan.order[~held]]
    heldout = visible.loc[plan.order[held]].drop(columns="answer")
    return train, heldout


def plan_folds(
    table: pd.DataFrame,
    k: int = 5,
    seed: int = 42,
    repeats: int = 1,
    group_by: str | None = None,
    stratify: str = TYPE,
) -> FoldPlan:
    """Plan k folds, ``repeats`` times with seeds seed, seed + 1, ...

    group_by: a declared group that folds keep whole; None for random folds
    stratify: what folds are balanced by, one of ``STRATIFY``
    Raises UserError for a grouping that the table does not declare, and for too few units.
    """
    keys = np.array(content_keys(table, with_answer=False), dtype=object)
    column = f"{GROUP_PREFIX}{group_by}"
    if group_by is not None and column not in table:
        declared = declared_groups(table)
        fix = f"use fold.group_by={declared[0]}" if declared else "use fold=random5"
        raise UserError(
            f"fold.group_by={group_by}: this benchmark declares "
            f"{'the groups ' + ', '.join(declared) if declared else 'no groups'}; {fix}."
        )
    units = keys if group_by is None else table[column].astype(str).to_numpy(dtype=object)
    has_copies = COPIES in table and bool((table[COPIES] != "").any())
    if has_copies:
        units = _join_copies(units, table[COPIES])
    n_units = len(set(units))
    if k < 2 or n_units < k:
        what = "questions" if group_by is None else f"groups ({group_by})"
        if n_units < 2:
            raise UserError(f"fold.k={k}: folds need 2 {what} or more; there are {n_units}.")
        raise UserError(
            f"fold.k={k}: expected 2 to {n_units}, the number of {what}, e.g. "
            f"fold.k={min(n_units, 5)}."
        )
    strata = _strata(table, stratify)
    order = np.argsort(keys, kind="stable")
    rows = []
    for repeat in range(repeats):
        draws = _draws(keys, seed + repeat)
        if group_by is None and not has_copies:
            rows.append(_deal(strata, draws, k))
        else:
            rows.append(_deal_groups(strata, units, seed + repeat, k))
    return FoldPlan(k, seed, group_by, stratify, np.stack(rows), units, order)


def _join_copies(units: np.ndarray, copies: pd.Series) -> np.ndarray:
    """Units of which those that share a set of copies are one, named after the first of them."""
    joined: DisjointSets[str] = DisjointSets(units)
    first_of: dict[str, str] = {}
    for unit, copy_set in zip(units, copies, strict=True):
        if copy_set:
            joined.join(unit, first_of.setdefault(copy_set, unit))
    return np.array([joined.name_of(unit) for unit in units], dtype=object)


def _draws(keys: np.ndarray, seed: int) -> np.ndarray:
    """One pseudo-random number per key; it depends on the key and the seed alone."""
    digests = (hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in keys)
    return np.array([int.from_bytes(d, "little") for d in digests], dtype=np.uint64)


def _strata(table: pd.DataFrame, stratify: str) -> np.ndarray:
    """What each question shares with those that are spread evenly over folds, in table order."""
    if stratify not in STRATIFY:
        raise UserError(f"fold.stratify={stratify}: expected one of {', '.join(STRATIFY)}.")
    if stratify == NONE:
        return np.full(len(table), "", dtype=object)
    strata = table["question_type"].astype(str) + "\x1f" + table["format"]
    if stratify == ANSWER:
        strata = strata + "\x1f" + _answer_classes(table)
    return strata.to_numpy(dtype=object)


def _answer_classes(table: pd.DataFrame) -> pd.Series:
    """mc: the gold option; num: the fifth of its type's answers; open: the same for all."""
    answer_class = pd.Series("", index=table.index, dtype=object)
    is_mc, is_num = table["format"] == "mc", table["format"] == "num"
    answer_class[is_mc] = table.loc[is_mc, "answer"].astype(int).map("{:02d}".format)
    for _, rows in table[is_num].groupby("question_type"):
        ranks = rows["answer"].astype(float).rank(method="min", pct=True)
        answer_class[rows.index] = np.ceil(ranks * NUM_QUANTILES).astype(int).astype(str)
    return answer_class


def _deal(strata: np.ndarray, draws: np.ndarray, k: int) -> np.ndarray:
    """Give questions, sorted by stratum and shuffled within it, to the folds in turn.

    The number of questions of every stratum, of every type (its strata are neighbours) and of the
    whole table differs by at most one between folds. A stratum of fewer than k questions is thereby
    merged with its neighbours.
    """
    order = np.lexsort((draws, strata.astype(str)))
    assignment = np.empty(len(strata), dtype=np.int64)
    start = int(draws.min() % k)
    assignment[order] = (np.arange(len(strata)) + start) % k
    return assignment


def _deal_groups(strata: np.ndarray, units: np.ndarray, seed: int, k: int) -> np.ndarray:
    """Give whole groups, largest first, to the fold that keeps the strata most even.

    The cost of a fold is the sum over strata of squared shares (count / stratum size), plus the
    squared share of all questions: the greedy rule of stratified group k-fold, incremental.
    """
    names, unit_of = np.unique(units.astype(str), return_inverse=True)
    classes, stratum_of = np.unique(strata.astype(str), return_inverse=True)
    draws = _draws(names, seed)
    sizes = np.bincount(unit_of)
    weight = 1.0 / np.bincount(stratum_of)
    by_unit = np.argsort(unit_of, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    counts = np.zeros((k, len(classes)))
    totals = np.zeros(k)
    fold_of = np.empty(len(names), dtype=np.int64)
    for unit in np.lexsort((draws, -sizes)):
        present, added = np.unique(
            stratum_of[by_unit[starts[unit] : starts[unit + 1]]], return_counts=True
        )
        # growth of sum (share^2) when this group joins a fold: 2 share added + added^2, per stratum
        growth = (counts[:, present] * (2 * added * weight[present] ** 2)).sum(1)
        growth += 2 * totals * sizes[unit] / len(strata) ** 2 * len(classes)
        tie = (np.arange(k) + int(draws[unit] % k)) % k
        fold = int(np.lexsort((tie, growth.round(12)))[0])
        counts[fold, present] += added
        totals[fold] += sizes[unit]
        fold_of[unit] = fold
    return fold_of[unit_of]
