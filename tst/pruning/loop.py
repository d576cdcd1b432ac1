"""The loop: diagnose what remains, rank it, remove the worst batch, until there is no more to do.

Everything but the diagnosis is cheap and deterministic, so an interrupted run is continued by
running it again: ``examine`` then reads what it finished before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.pruning.allocation import Quotas, choose_batch, may_go
from tst.pruning.ranking import highest, rank, ranking_scores
from tst.scoring.summaries import adjusted_mean

BUDGET, TAU, FLOORS, GROUPS = "budget", "tau", "floors", "groups"

Examine = Callable[[int, np.ndarray, int], pd.DataFrame]
"""(iteration, positions of the remaining questions, fold seed) -> their scores, one row each with
the columns row, s, hard, s_zero_shot, hard_zero_shot, baseline, and seconds (what it took)."""


@dataclass(frozen=True)
class Iteration:
    """One diagnosis of what remained, and what went because of it.

    n: questions that were diagnosed; removed: ids, worst first (none in the final state)
    seeds: fold seeds that were run anew
    highest: the highest ranking score among those that might go; lowest: of those that went
    score_hard, score_soft, baseline, adjusted: of all that remained, by the seeds run anew
    """

    number: int
    n: int
    seeds: list[int]
    score_hard: float
    score_soft: float
    baseline: float
    adjusted: float
    highest: float
    lowest: float
    removed: list[str]
    seconds: float


@dataclass
class Pruning:
    """What came of it.

    removed: table positions in the order of removal; kept: the others in table order
    stopped: budget, tau, floors or groups
    scores: of every question, as it ranked last: row, the means over seeds, ranking
    """

    removed: np.ndarray
    kept: np.ndarray
    stopped: str
    iterations: list[Iteration]
    scores: pd.DataFrame


@dataclass(frozen=True)
class Rules:
    """How to choose: quotas, what ranks, when to stop, and which fold seeds take turns.

    groups: (n,) what folds keep whole, None where that is each question; k: how many must be left
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
    """Remove questions until the budget is spent, tau is reached, or floors or groups bind.

    ids: (n,) of the question table; watch: told each iteration and how many have gone after it
    The last iteration is the final state: what is kept, diagnosed, and nothing removed.
    """
    quotas = rules.quotas
    kept = np.arange(len(ids))
    removed: list[int] = []
    latest: dict[int, pd.DataFrame] = {}
    iterations: list[Iteration] = []
    scored: list[pd.DataFrame] = []
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
        gone = Counter(quotas.strata[removed])
        open_to_removal = may_go(quotas, kept, gone)
        best = highest(values[open_to_removal])
        chosen = np.array([], dtype=np.int64)
        if len(removed) >= quotas.budget:
            stopped = BUDGET
        elif not open_to_removal.any():
            stopped = FLOORS
        elif rules.tau is not None and not best > rules.tau:
            stopped = TAU
        else:
            at_most = min(quotas.batch, quotas.budget - len(removed))
            ranked = kept[rank(values, ids[kept])]
            chosen = choose_batch(quotas, ranked, kept, gone, at_most)
            if leaves_too_few_groups(rules, np.setdiff1d(kept, chosen)):
                stopped, chosen = GROUPS, chosen[:0]
        going = np.isin(kept, chosen)
        this = Iteration(
            number, len(kept), seeds, *_overall(mean_scores(fresh, kept)), best,
            _lowest(values[going]), [str(i) for i in ids[chosen]], seconds,
        )  # fmt: skip
        iterations.append(this)
        removed += chosen.tolist()
        watch(this, len(removed))
        scored.append(scores if stopped else scores[going])
        kept = kept[~going]
    table = pd.concat(scored).sort_index().rename_axis("row").reset_index()
    return Pruning(np.array(removed, dtype=np.int64), kept, stopped, iterations, table)


def leaves_too_few_groups(rules: Rules, left: np.ndarray) -> bool:
    """Whether grouped folds cannot be planned over the questions at these positions."""
    return rules.groups is not None and len(set(rules.groups[left])) < rules.k


def seeds_of(rules: Rules, iteration: int) -> list[int]:
    """The fold seeds that an iteration runs anew: all of them at first, then in turn."""
    if iteration == 0:
        return list(rules.seeds)
    first = (iteration - 1) * rules.refresh
    return [rules.seeds[(first + i) % len(rules.seeds)] for i in range(rules.refresh)]


def mean_scores(latest: dict[int, pd.DataFrame], rows: np.ndarray) -> pd.DataFrame:
    """Mean over seeds of the remaining questions' latest scores, by table position."""
    parts = [frame.loc[rows].drop(columns="seconds") for _, frame in sorted(latest.items())]
    return sum(parts[1:], parts[0]) / len(parts)


def _overall(scores: pd.DataFrame) -> tuple[float, float, float, float]:
    """score_hard, score_soft, baseline and adjusted of a set."""
    hard, soft = float(scores["hard"].mean()), float(scores["s"].mean())
    baseline = float(scores["baseline"].mean())
    return hard, soft, baseline, adjusted_mean(scores["s"], scores["baseline"])


def _lowest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.min()) if len(finite) else float("nan")
