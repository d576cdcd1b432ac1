"""The effect of a removal: a judge diagnoses what is left, and what random removals leave."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.pruning.diagnosis import Examiner
from tst.pruning.intervals import compare_samples, describe_scores
from tst.pruning.loop import mean_scores

NOTHING, OURS, RANDOM = "nothing", "ours", "random"
INDEPENDENCE = {True: "independent", False: "not independent", None: "not known"}


@dataclass(frozen=True)
class Removal:
    """A list of removed questions.

    rows: table positions
    chooser: the diagnostic that chose them; empty where none did, None where it is not known
    """

    rows: np.ndarray
    chooser: str | None = ""

    def independent_of(self, judge: str) -> bool | None:
        """Whether the judge did not choose it; None where the chooser is not known."""
        return None if self.chooser is None else self.chooser != judge


def draw_at_random(types: np.ndarray, removed: np.ndarray, draw: int) -> np.ndarray:
    """Random table positions, as many per type as were removed."""
    rng = np.random.default_rng([20_250, draw])
    chosen = []
    for name in sorted(set(types[removed])):
        members = np.flatnonzero(types == name)
        count = int((types[removed] == name).sum())
        chosen.append(rng.choice(members, count, replace=False))
    return np.sort(np.concatenate(chosen)) if chosen else np.array([], dtype=np.int64)


def find_left_out(
    removals: Mapping[str, Removal], units: np.ndarray, k: int, what: str
) -> dict[str, str]:
    """Removal -> reason, for those that leave too few questions or groups for k folds.

    units: (n,) the group of every question, or the question itself, which folds keep whole
    what: name of the units, in the plural
    """
    counts = {name: len(set(np.delete(units, removal.rows))) for name, removal in removals.items()}
    return {
        name: f"{count} {what} are left, fewer than the {k} folds"
        for name, count in counts.items()
        if count < k
    }


def rediagnose(
    examiner: Examiner, removed: np.ndarray, seeds: list[int], folder: Path
) -> pd.DataFrame:
    """Scores of the questions that a removal leaves, by table position; means over the seeds."""
    kept = np.setdiff1d(np.arange(len(examiner.frame)), removed)
    name = hashlib.sha256("\n".join(examiner.frame["id"].iloc[kept]).encode()).hexdigest()[:16]
    runs = {
        seed: examiner.examine(kept, seed, folder / name / f"{seed}.parquet").set_index("row")
        for seed in seeds
    }
    return mean_scores(runs, kept)


def judge_removals(
    scores: Mapping[str, pd.DataFrame],
    removals: Mapping[str, Removal],
    frame: pd.DataFrame,
    units: np.ndarray,
    judge: str,
) -> dict[str, Any]:
    """summary.json's entry for one judge and fold scheme.

    scores: removal -> result of ``rediagnose``; random draws are named ``random 0``, ``random 1``
    units: (n,), what intervals resample
    The entry has the figures of every list and whether the judge is independent of it; the mean and
    range of the random draws; and the differences ours - list, paired over units. A difference is
    independent where both lists are.
    """
    types = frame["question_type"].to_numpy()
    intervals = compare_samples(scores, units, OURS)
    lists: dict[str, Any] = {}
    for name, part in scores.items():
        removal = removals[name]
        independent = removal.independent_of(judge)
        lists[name] = {
            **describe_scores(part), **intervals[name], "removed": len(removal.rows),
            "chooser": removal.chooser, "independent": independent,
            "per_type": {
                str(kind): describe_scores(of_type)
                for kind, of_type in part.groupby(types[part.index.to_numpy()], sort=True)
            },
        }  # fmt: skip
        if "difference" in intervals[name]:
            both = (removals[OURS].independent_of(judge), independent)
            known = None if None in both else True
            lists[name]["difference_independent"] = False if False in both else known
    draws = [entry for name, entry in lists.items() if name.startswith(RANDOM)]
    named = {name: entry for name, entry in lists.items() if not name.startswith(RANDOM)}
    result: dict[str, Any] = {"lists": named}
    if draws:
        fields = ("score_hard", "score_soft", "adjusted_hard", "adjusted_soft")
        result[RANDOM] = {f: band([draw[f] for draw in draws]) for f in fields}
        result[RANDOM]["per_type"] = {
            kind: {
                f: band([draw["per_type"][kind][f] for draw in draws])
                for f in ("score_hard", "adjusted_hard", "adjusted_soft")
            }
            for kind in draws[0]["per_type"]
        }
    return result


def band(values: list[float]) -> dict[str, Any]:
    """Mean, sd (ddof 1), minimum and maximum over random draws."""
    array = np.asarray(values, dtype=float)
    return {
        "draws": len(array),
        "mean": float(array.mean()),
        "sd": float(array.std(ddof=1)) if len(array) > 1 else float("nan"),
        "low": float(array.min()),
        "high": float(array.max()),
    }
