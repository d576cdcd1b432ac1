"""The loop: diagnose the remaining questions, rank them, remove the first batch, repeat.

Everything but the diagnosis is cheap and deterministic. So an interrupted run is resumed by running
it again: ``examine`` then reads the diagnoses that are finished.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.pruning.allocation import Quotas, choose_batch, find_removable
from tst.pruning.intervals import describe_scores
from tst.pruning.ranking import highest, rank, ranking_scores

BUDGET, TAU, FLOORS, GROUPS = "budget", "tau", "floors", "groups"

Examine = Callable[[int, np.ndarray, int], pd.DataFrame]
"""(iteration, positions of the remaining questions, fold seed) -> their scores, one row each with
the columns row, s, hard, s_zero_shot, hard_zero_shot, baseline, majority, bits, and seconds (of the
run)."""


@dataclass(frozen=True)
class Iteration:
    """One diagnosis of the remaining questions, and which of them were then removed.

    n: number of questions that were diagnosed
    removed: ids, highest score first (none in the final state)
    seeds: fold seeds that were run in this iteration
    highest: the highest ranking score among removable questions
    lowest: the lowest ranking score among removed questions
    score_hard, score_soft, baseline, adjusted_hard, adjusted_soft: of all remaining questions, by
        these seeds
    """

    number: int
    n: int
    seeds: list[int]
    score_hard: float
    score_soft: float
    baseline: float
    adjusted_hard: float
    adjusted_soft: float
    highest: float
    lowest: float
    removed: list[str]
    seconds: float


@dataclass
class Pruning:
    """The result of the loop.

    removed: table positions in the order of removal; kept: the others in table order
    stopped: why it stopped: budget, tau, floors or groups
    scores: the last scores of every question: row, the means over seeds, ranking
    first, last: scores of all questions by the seeds of the first diagnosis, and of the kept ones
        by those of the last, by table position
    """

    removed: np.ndarray
    kept: np.ndarray
    stopped: str
    iterations: list[Iteration]
    scores: pd.DataFrame
    first: pd.DataFrame
    last: pd.DataFrame


@dataclass(frozen=True)
class Rules:
    """How to choose: quotas, ranking score, stopping rules, and fold seeds.

    seeds: all fold seeds; refresh: how many of them each iteration runs
    groups: (n,) group of every question, which folds keep whole; None for random folds
    k: number of folds, the least number of groups that must be left
    """

    quotas: Quotas
    rank_by: str
    tau: float | None
    seeds: list[int]
    refresh: int
    groups: np.ndarray | None = None
    k: int = 2


def prune(
    ids: np.ndarray, rules: Rules, examine: Examine, watch: Callable[[Iteration, int], None]
) -> Pruning:
    """Remove questions until the budget is used up or tau, floors or groups stop it.

    ids: (n,) of the question table
    watch: called with each iteration and the number of questions removed after it
    The last iteration is the final state: the kept questions are diagnosed and none is removed.
    """
    kept = np.arange(len(ids))
    removed: list[int] = []
    latest: dict[int, pd.DataFrame] = {}
    iterations: list[Iteration] = []
    scored: list[pd.DataFrame] = []
    diagnosed: list[pd.DataFrame] = []
    stopped = ""
    while not stopped:
        number = len(iterations)
        seeds = seeds_of(rules, number)
        for seed in seeds:
            latest[seed] = examine(number, kept, seed).set_index("row")
        fresh = {seed: latest[seed] for seed in seeds}
        seconds = sum(float(part["seconds"].iloc[0]) for part in fresh.values())
        scores = mean_scores(latest, kept)
        scores["ranking"] = ranking_scores(scores, rules.rank_by)
        values = scores["ranking"].to_numpy()
        chosen, best, stopped = _choose(rules, values, ids, kept, removed)
        diagnosed = [*diagnosed[:1], mean_scores(fresh, kept)]
        is_chosen = np.isin(kept, chosen)
        gone = values[is_chosen]
        iteration = Iteration(
            number=number,
            seeds=seeds,
            **describe_scores(diagnosed[-1]),
            highest=best,
            lowest=float(min(gone[np.isfinite(gone)], default=np.nan)),
            removed=[str(i) for i in ids[chosen]],
            seconds=seconds,
        )
        iterations.append(iteration)
        removed += chosen.tolist()
        watch(iteration, len(removed))
        scored.append(scores if stopped else scores[is_chosen])
        kept = kept[~is_chosen]
    table = pd.concat(scored).sort_index().rename_axis("row").reset_index()
    return Pruning(
        np.array(removed, dtype=np.int64), kept, stopped, iterations, table, diagnosed[0],
        diagnosed[-1],
    )  # fmt: skip


def _choose(
    rules: Rules, values: np.ndarray, ids: np.ndarray, kept: np.ndarray, removed: list[int]
) -> tuple[np.ndarray, float, str]:
    """The next questions to remove, the highest value that may go, and why none is removed."""
    quotas, none = rules.quotas, np.array([], dtype=np.int64)
    removed_counts = Counter(quotas.strata[removed])
    removable = find_removable(quotas, kept, removed_counts)
    best = highest(values[removable])
    if len(removed) >= quotas.budget:
        return none, best, BUDGET
    if not removable.any():
        return none, best, FLOORS
    if rules.tau is not None and not best > rules.tau:
        return none, best, TAU
    at_most = min(quotas.batch, quotas.budget - len(removed))
    ranked = kept[rank(values, ids[kept])]
    chosen = choose_batch(quotas, ranked, kept, removed_counts, at_most)
    left = np.setdiff1d(kept, chosen)
    if rules.groups is not None and len(set(rules.groups[left])) < rules.k:
        return none, best, GROUPS
    return chosen, best, ""


def seeds_of(rules: Rules, iteration: int) -> list[int]:
    """The fold seeds that an iteration runs: all of them at first, then ``refresh`` in turn."""
    if iteration == 0:
        return list(rules.seeds)
    first = (iteration - 1) * rules.refresh
    return [rules.seeds[(first + i) % len(rules.seeds)] for i in range(rules.refresh)]


def mean_scores(latest: dict[int, pd.DataFrame], rows: np.ndarray) -> pd.DataFrame:
    """Means over seeds of the latest scores of the remaining questions, by table position."""
    parts = [frame.loc[rows].drop(columns="seconds") for _, frame in sorted(latest.items())]
    return sum(parts[1:], parts[0]) / len(parts)
