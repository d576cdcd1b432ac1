"""Two sets of records on the same questions: paired differences with intervals, per type."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from tst.analysis.selection import difference
from tst.core.errors import UserError
from tst.core.questions import GROUP_PREFIX, coarsest_column, declared_groups
from tst.records.run_records import RunRecord, read_record
from tst.scoring.intervals import bootstrap_intervals

CONTENT = ["question_type", "format", "question", "options", "answer"]
MEASURES = {"hard": "score", "s": "soft score"}
"""Measures that are compared: hard (argmax, MRA or match) and s."""


def read_side(name: str, paths: str | list[str]) -> list[RunRecord]:
    """The records of one side: on the same questions, with the same settings but for seeds.

    Raises UserError where they are not, or where a path holds no finished record.
    """
    records = [read_record(Path(p)) for p in (paths if isinstance(paths, list) else [paths])]
    if len({r.fingerprint for r in records}) > 1:
        raise UserError(f"{name}={paths}: these records are on different questions.")
    first = records[0]
    for record in records[1:]:
        other = difference(first, record) if record.subject == first.subject else record.subject
        if other:
            raise UserError(
                f"{name}={paths}: the mean of unequal runs means nothing; expected records that "
                f"differ in fold.seed alone, got one with {other}. Name it as the other side."
            )
    return records


def mean_scores(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Per question (index: id) its content, its groups, and hard and s averaged over records."""
    frames = [r.questions.set_index("id") for r in records]
    first = frames[0]
    groups = [GROUP_PREFIX + g for g in declared_groups(first)]
    hard = [f["correct"].astype(float).fillna(f["s"]) for f in frames]
    return first[[*CONTENT, *groups]].assign(
        hard=pd.concat(hard, axis=1).mean(axis=1),
        s=pd.concat([f["s"] for f in frames], axis=1).mean(axis=1),
    )


def compare(a: Sequence[RunRecord], b: Sequence[RunRecord]) -> pd.DataFrame:
    """One row per question type and one for all of them: n, both means, b - a and its 95% interval.

    Each side is averaged over its records (seeds). Compared are the questions that both sides have
    with the same content; columns question_type, n, then for hard and s: a_<m>, b_<m>, diff_<m>,
    low_<m>, high_<m>. Raises UserError when there is no such question.
    """
    paired, _ = pair(a, b)
    return paired_differences(paired, resampled_units(paired, a, b))


def paired_differences(paired: pd.DataFrame, units: np.ndarray) -> pd.DataFrame:
    """The table of ``compare`` from paired questions.

    paired: question_type, and hard_a, s_a, hard_b, s_b; one row per question
    units: (len(paired),), what the bootstrap resamples
    """
    measures = list(MEASURES)
    sides = {side: paired[[f"{m}_{side}" for m in measures]].to_numpy(float) for side in "ab"}
    differences = sides["b"] - sides["a"]
    types = paired["question_type"].to_numpy()
    names = sorted(set(types))
    masks = [types == name for name in names] + [np.ones(len(paired), dtype=bool)]
    intervals = bootstrap_intervals(differences, np.stack(masks, axis=1), units)
    rows = []
    for index, (name, mask) in enumerate(zip([*names, "overall"], masks, strict=True)):
        row: dict[str, object] = {"question_type": name, "n": int(mask.sum())}
        for m, measure in enumerate(measures):
            row[f"a_{measure}"] = float(sides["a"][mask, m].mean())
            row[f"b_{measure}"] = float(sides["b"][mask, m].mean())
            row[f"diff_{measure}"] = float(differences[mask, m].mean())
            row[f"low_{measure}"], row[f"high_{measure}"] = map(float, intervals[index, m])
        rows.append(row)
    return pd.DataFrame(rows)


def pair(a: Sequence[RunRecord], b: Sequence[RunRecord]) -> tuple[pd.DataFrame, int]:
    """Questions of both sides with the same content, scores as hard_a, s_a, hard_b, s_b; and how
    many of either side have no partner.
    """
    left, right = mean_scores(a), mean_scores(b)
    shared = left.index.intersection(right.index)
    same = (
        left.loc[shared, CONTENT].fillna("") == right.loc[shared, CONTENT].fillna("")
    ).all(axis=1)  # fmt: skip
    shared = shared[same.to_numpy()]
    if shared.empty:
        raise UserError(
            f"{a[0].path} and {b[0].path} have no question in common "
            f"({a[0].benchmark}: {len(left)}, {b[0].benchmark}: {len(right)} questions). "
            "Compare two runs on the same benchmark."
        )
    scores = ["hard", "s"]
    joined = left.loc[shared].drop(columns=scores)
    joined = joined.join(left.loc[shared, scores].add_suffix("_a"))
    joined = joined.join(right.loc[shared, scores].add_suffix("_b"))
    return joined, len(left) + len(right) - 2 * len(shared)


def resampled_units(
    paired: pd.DataFrame, a: Sequence[RunRecord], b: Sequence[RunRecord]
) -> np.ndarray:
    """What the bootstrap resamples: the group either side folds by, else the coarsest declared.

    A declared one that all questions share is passed over.
    """
    folded = [GROUP_PREFIX + r.group_by for r in (*a, *b) if r.group_by is not None]
    if folded:
        return paired[min(folded, key=lambda c: paired[c].nunique())].to_numpy()
    column = coarsest_column(paired, [GROUP_PREFIX + g for g in declared_groups(paired)])
    return np.arange(len(paired)) if column is None else paired[column].to_numpy()
