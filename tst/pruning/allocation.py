"""How many questions go, and of which type or format: quotas, floors, batches."""

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
    """Who may lose how many.

    strata: (n,) label of every question: its type, its format, or the same for all
    removable: label -> how many to remove of it in all
    types: (n,) question type of every question
    floors: type -> how many questions it keeps at least
    budget: how many are to go in all, the sum of ``removable``
    batch: how many an iteration
    """

    strata: np.ndarray
    removable: dict[str, int]
    types: np.ndarray
    floors: dict[str, int]
    budget: int
    batch: int


def largest_remainder(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Split a total in proportion to weights; what rounding leaves goes to the largest remainders.

    Equal remainders go by name. No share exceeds its weight when the total does not exceed theirs
    and the weights are whole.
    """
    whole = sum(weights.values())
    exact = {name: total * weight / whole if whole else 0.0 for name, weight in weights.items()}
    shares = {name: int(np.floor(round(value, 9))) for name, value in exact.items()}
    left = total - sum(shares.values()) if whole else 0
    by_remainder = sorted(exact, key=lambda name: (-round(exact[name] - shares[name], 9), name))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares


def plan_quotas(settings: PruneSettings, frame: pd.DataFrame, like: list[str] | None) -> Quotas:
    """Quotas for a question table; ``like``: ids whose counts per type are to be matched.

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
    if like is not None:
        counts = Counter(types[rows_of_ids(frame, like, "prune.like")])
        removable = {name: counts.get(name, 0) for name in sizes}
    elif settings.shares:
        removable = _explicit(settings.shares, settings.allocation, sizes)
    else:
        budget = DEFAULT_BUDGET if settings.budget == "auto" else settings.budget
        total = as_count(budget, len(frame))
        if total > len(frame):
            raise UserError(f"prune.budget={budget}: the benchmark has {len(frame)} questions.")
        removable = largest_remainder(sizes, total)
    batch = settings.batch
    step = (
        max(LEAST_BATCH, round(DEFAULT_BATCH * len(frame)))
        if batch == "auto"
        else max(1, as_count(batch, len(frame)))
    )
    floors = {name: min(settings.floor, size) for name, size in Counter(types).items()}
    return Quotas(strata, removable, types, floors, sum(removable.values()), step)


def _explicit(shares: dict[str, Any], allocation: str, sizes: dict[str, int]) -> dict[str, int]:
    """Counts as they are; fractions by the largest remainder over what they come to together."""
    unknown = sorted(set(shares) - set(sizes))
    beyond = [n for n, v in shares.items() if isinstance(v, int) and v > sizes.get(n, v)]
    if unknown or beyond:
        lines = [f"prune.shares.{name}: no such {allocation[4:]}." for name in unknown]
        lines += [f"prune.shares.{n}={shares[n]}: there are {sizes[n]} of it." for n in beyond]
        raise UserError("\n".join([*lines, f"The benchmark has: {', '.join(sizes)}."]))
    exact = {n: v * sizes[n] for n, v in shares.items() if isinstance(v, float)}
    parts = largest_remainder(exact, round(sum(exact.values())))
    counts = {name: int(value) for name, value in shares.items() if name not in exact}
    return {name: counts.get(name, parts.get(name, 0)) for name in sizes}


def rows_of_ids(frame: pd.DataFrame, ids: list[str], name: str) -> np.ndarray:
    """Table positions of ids, in their order. Raises UserError for ids the table does not have."""
    position = {identity: row for row, identity in enumerate(frame["id"])}
    unknown = [identity for identity in ids if identity not in position]
    if unknown or len(set(ids)) < len(ids):
        what = (
            f"{len(unknown)} of its {len(ids)} ids are no questions of this benchmark, "
            f"e.g. {', '.join(unknown[:5])}"
            if unknown
            else "some of its ids stand there more than once"
        )
        raise UserError(f"{name}: {what}.")
    return np.array([position[identity] for identity in ids], dtype=np.int64)


def choose_batch(
    quotas: Quotas, ranked: np.ndarray, kept: np.ndarray, removed: Mapping[str, int], at_most: int
) -> np.ndarray:
    """Table positions of the next questions to remove, in the order of the ranking.

    ranked: table positions of the remaining questions, worst first
    kept: the same positions in any order
    removed: label -> how many have gone so far
    The batch is split over the labels in proportion to what they have still to give, so that all
    are through at the same time; within a label the ranking decides, as far as floors allow.
    """
    rest = _open_quotas(quotas, kept, removed)
    share = largest_remainder(rest, min(at_most, sum(rest.values())))
    room = _room(quotas, kept)
    chosen = []
    for row in ranked:
        label, kind = quotas.strata[row], quotas.types[row]
        if share.get(label, 0) > 0 and room[kind] > 0:
            share[label] -= 1
            room[kind] -= 1
            chosen.append(row)
    return np.array(chosen, dtype=np.int64)


def may_go(quotas: Quotas, kept: np.ndarray, removed: Mapping[str, int]) -> np.ndarray:
    """Bool array over ``kept``: whose label has a quota left, and whose type is above its floor."""
    rest = _open_quotas(quotas, kept, removed)
    room = _room(quotas, kept)
    return np.array(
        [rest[quotas.strata[row]] > 0 and room[quotas.types[row]] > 0 for row in kept], dtype=bool
    )


def _room(quotas: Quotas, kept: np.ndarray) -> dict[str, int]:
    """Type -> how many it may still lose before it is at its floor."""
    counts = Counter(quotas.types[kept])
    return {name: max(0, counts[name] - floor) for name, floor in quotas.floors.items()}


def _open_quotas(quotas: Quotas, kept: np.ndarray, removed: Mapping[str, int]) -> dict[str, int]:
    """Label -> what it has still to give, and can."""
    room = _room(quotas, kept)
    present = Counter(zip(quotas.strata[kept], quotas.types[kept], strict=True))
    can: Counter[str] = Counter()
    for (label, kind), count in present.items():
        can[label] += min(room[kind], count)
    return {
        label: max(0, min(total - removed.get(label, 0), can[label]))
        for label, total in quotas.removable.items()
    }
