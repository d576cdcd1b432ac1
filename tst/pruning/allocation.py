"""How many questions are removed from which type or format: quotas, floors, batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.pruning.settings import PruneSettings, as_count

DEFAULT_BUDGET = 0.2
DEFAULT_BATCH = 0.01
LEAST_BATCH = 10


@dataclass(frozen=True)
class Quotas:
    """How many questions may be removed, in total, per stratum and per iteration.

    strata: (n,) stratum of every question: its type, its format, or the same for all
    removable: stratum -> how many of its questions to remove in total
    types: (n,) question type of every question
    floors: type -> the least number of questions that it keeps
    budget: how many questions to remove in total, the sum of ``removable``
    batch: how many questions to remove per iteration
    """

    strata: np.ndarray
    removable: dict[str, int]
    types: np.ndarray
    floors: dict[str, int]
    budget: int
    batch: int


def largest_remainder(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Split a total into whole numbers in proportion to weights (largest remainder method).

    Ties are broken by name. With whole weights, and a total of at most their sum, no share exceeds
    its weight.
    """
    whole = sum(weights.values())
    exact = {name: total * weight / whole if whole else 0.0 for name, weight in weights.items()}
    shares = {name: int(np.floor(round(value, 9))) for name, value in exact.items()}
    left = total - sum(shares.values()) if whole else 0
    by_remainder = sorted(exact, key=lambda name: (-round(exact[name] - shares[name], 9), name))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares


def plan_quotas(
    settings: PruneSettings,
    frame: pd.DataFrame,
    like: list[str] | None = None,
    to_mend: Mapping[str, int] | None = None,
) -> Quotas:
    """Quotas for a question table.

    like: ids whose counts per type are matched
    to_mend: the types that may lose questions, and about how many of each give their answer away;
        None: all types. The budget is split in proportion to that, or to size where it is more than
        all of them have to mend.
    Raises UserError for types, formats and ids that the benchmark does not have.
    """
    types = frame["question_type"].to_numpy(dtype=object)
    if settings.allocation == "per_type":
        strata = types
    elif settings.allocation == "per_format":
        strata = frame["format"].to_numpy(dtype=object)
    else:
        strata = np.full(len(frame), "all", dtype=object)
    sizes = dict(sorted(Counter(strata).items()))
    may_go = np.isin(types, list(set(types) if to_mend is None else to_mend))
    if like is not None:
        counts = Counter(types[rows_of_ids(frame, like, "prune.like")])
        removable = {name: counts.get(name, 0) for name in sizes}
    elif settings.shares:
        removable = _explicit(settings.shares, settings.allocation, sizes)
    else:
        budget = DEFAULT_BUDGET if settings.budget == "auto" else settings.budget
        total = min(as_count(budget, int(may_go.sum())), int(may_go.sum()))
        if isinstance(budget, int) and budget > len(frame):
            raise UserError(
                f"prune.budget={budget}: the benchmark has only {len(frame)} questions."
            )
        weight = np.ones(len(frame))
        if to_mend is not None and total <= sum(to_mend.values()):
            counts = Counter(types)
            weight = np.array([to_mend.get(name, 0) / counts[name] for name in types])
        part = {name: float(weight[may_go & (strata == name)].sum()) for name in sizes}
        removable = largest_remainder(part, total)
    batch = settings.batch
    step = (
        max(LEAST_BATCH, round(DEFAULT_BATCH * len(frame)))
        if batch == "auto"
        else max(1, as_count(batch, len(frame)))
    )
    floors = {name: min(settings.floor, size) for name, size in Counter(types).items()}
    floors |= Counter(types[~may_go])
    return Quotas(strata, removable, types, floors, sum(removable.values()), step)


def _explicit(shares: dict[str, Any], allocation: str, sizes: dict[str, int]) -> dict[str, int]:
    """Counts as they are; fractions by the largest remainder method over their rounded sum."""
    unknown = sorted(set(shares) - set(sizes))
    beyond = [n for n, v in shares.items() if isinstance(v, int) and v > sizes.get(n, v)]
    if unknown or beyond:
        lines = [f"prune.shares.{name}: no such {allocation[4:]}." for name in unknown]
        lines += [
            f"prune.shares.{n}={shares[n]}: it has only {sizes[n]} questions." for n in beyond
        ]
        raise UserError("\n".join([*lines, f"The benchmark has: {', '.join(sizes)}."]))
    exact = {n: v * sizes[n] for n, v in shares.items() if isinstance(v, float)}
    parts = largest_remainder(exact, round(sum(exact.values())))
    counts = {name: int(value) for name, value in shares.items() if name not in exact}
    return {name: counts.get(name, parts.get(name, 0)) for name in sizes}


def rows_of_ids(frame: pd.DataFrame, ids: list[str], name: str) -> np.ndarray:
    """Table positions of ids, in their order. Raises UserError for unknown or repeated ids."""
    position = {identity: row for row, identity in enumerate(frame["id"])}
    unknown = [identity for identity in ids if identity not in position]
    if unknown or len(set(ids)) < len(ids):
        what = (
            f"{len(unknown)} of its {len(ids)} ids are not in this benchmark, "
            f"e.g. {', '.join(unknown[:5])}"
            if unknown
            else "it names some ids more than once"
        )
        raise UserError(f"{name}: {what}.")
    return np.array([position[identity] for identity in ids], dtype=np.int64)


def choose_batch(
    quotas: Quotas, ranked: np.ndarray, kept: np.ndarray, removed: Mapping[str, int], at_most: int
) -> np.ndarray:
    """Table positions of the next questions to remove, in the order of the ranking.

    ranked: table positions of the remaining questions, worst first
    kept: the same positions in any order
    removed: stratum -> how many have been removed so far
    The batch is split over the strata in proportion to what is left of their quotas, so that all
    quotas are used up at the same time. Within a stratum the ranking decides, as floors allow.
    """
    open_quotas = _open_quotas(quotas, kept, removed)
    share = largest_remainder(open_quotas, min(at_most, sum(open_quotas.values())))
    above_floor = _above_floor(quotas, kept)
    chosen = []
    for row in ranked:
        stratum, kind = quotas.strata[row], quotas.types[row]
        if share.get(stratum, 0) > 0 and above_floor[kind] > 0:
            share[stratum] -= 1
            above_floor[kind] -= 1
            chosen.append(row)
    return np.array(chosen, dtype=np.int64)


def find_removable(quotas: Quotas, kept: np.ndarray, removed: Mapping[str, int]) -> np.ndarray:
    """Bool array over ``kept``: the stratum has quota left, and the type is above its floor."""
    open_quotas = _open_quotas(quotas, kept, removed)
    above_floor = _above_floor(quotas, kept)
    return np.array(
        [
            open_quotas[quotas.strata[row]] > 0 and above_floor[quotas.types[row]] > 0
            for row in kept
        ],
        dtype=bool,
    )


def _above_floor(quotas: Quotas, kept: np.ndarray) -> dict[str, int]:
    """Type -> how many of its questions may be removed before it reaches its floor."""
    counts = Counter(quotas.types[kept])
    return {name: max(0, counts[name] - floor) for name, floor in quotas.floors.items()}


def _open_quotas(quotas: Quotas, kept: np.ndarray, removed: Mapping[str, int]) -> dict[str, int]:
    """Stratum -> how many of its questions are still to be removed, as far as floors allow."""
    above_floor = _above_floor(quotas, kept)
    present = Counter(zip(quotas.strata[kept], quotas.types[kept], strict=True))
    allowed: Counter[str] = Counter()
    for (stratum, kind), count in present.items():
        allowed[stratum] += min(above_floor[kind], count)
    return {
        stratum: max(0, min(total - removed.get(stratum, 0), allowed[stratum]))
        for stratum, total in quotas.removable.items()
    }
