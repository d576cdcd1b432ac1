"""Vision, blind and their gap before and after a removal, compared with random removals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tst.pruning.judging import NOTHING, OURS, RANDOM, Removal, band

Figures = dict[str, float]


def compare_gaps(
    vision: pd.Series,
    blind: Mapping[str, pd.Series] | None,
    removals: Mapping[str, Removal],
    frame: pd.DataFrame,
    independent: bool = True,
) -> dict[str, Any]:
    """Overall and per type, for every list: vision, blind, gap, and their changes.

    vision: score by table position, of the questions that have an answer
    blind: per list the blind score of what it leaves, by table position; None: not known
    independent: whether the blind scores are not the chooser's
    """
    types = frame["question_type"].to_numpy()
    parts = {"overall": np.ones(len(frame), dtype=bool)}
    parts |= {str(t): types == t for t in sorted(set(types))}
    result: dict[str, Any] = {}
    for part, members in parts.items():
        lists = {
            name: _figures(vision, None if blind is None else blind[name], removal, members)
            for name, removal in removals.items()
        }
        result[part] = _summarise(lists, independent)
    return {"overall": result.pop("overall"), "per_type": result}


def _figures(
    vision: pd.Series, blind: pd.Series | None, removal: Removal, members: np.ndarray
) -> Figures:
    """n, vision, blind and gap over the questions of a part that a removal leaves.

    Where blind is known, only questions with both scores count; without_blind: how many have a
    vision score alone.
    """
    kept = members.copy()
    kept[removal.rows] = False
    rows = vision.index[kept[vision.index.to_numpy()]]
    answered = len(rows)
    if blind is not None:
        rows = rows[rows.isin(blind.index)]
    seen = float(vision.loc[rows].mean()) if len(rows) else float("nan")
    unseen = float(blind.loc[rows].mean()) if blind is not None and len(rows) else float("nan")
    return {
        "n": len(rows), "without_blind": answered - len(rows),
        "vision": seen, "blind": unseen, "gap": seen - unseen,
    }  # fmt: skip


def _summarise(lists: Mapping[str, Figures], independent: bool) -> dict[str, Any]:
    """Named lists with their changes, the range of random draws, and whether ours exceeds it."""
    before = lists[NOTHING]
    measures = ("vision", "blind", "gap")
    named = {"before": before}
    for name, figures in lists.items():
        if name != NOTHING and not name.startswith(RANDOM):
            changes = {f"{m}_change": figures[m] - before[m] for m in measures}
            named["after" if name == OURS else name] = {**figures, **changes}
    entry: dict[str, Any] = {"lists": named}
    draws = [figures for name, figures in lists.items() if name.startswith(RANDOM)]
    if draws:
        entry[RANDOM] = {m: band([d[m] for d in draws]) for m in measures}
        if np.isfinite(before["blind"]):
            bound = entry[RANDOM]["gap"]["high"]
            entry["gap_grows_beyond_random"] = bool(named["after"]["gap"] > bound)
            entry["gap_independent"] = independent
    return entry
