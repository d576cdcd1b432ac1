"""What mending changed: the questions of two files, paired, before and after."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from tst.analysis.comparison import CONTENT, mean_scores, paired_differences, resampled_units
from tst.records.run_records import RunRecord

SCORES = ["hard", "s"]


@dataclass(frozen=True)
class Change:
    """The paired change of scores on the questions that both files have.

    by_type: the table of ``analysis.comparison.compare``, a before and b after; empty where the
        files have no question in common
    mended: questions of both files whose content differs; removed, added: of one file alone
    """

    before: RunRecord
    after: RunRecord
    by_type: pd.DataFrame
    mended: int
    removed: int
    added: int


def find_change(before: RunRecord, after: RunRecord) -> Change:
    """Pair the questions of two records by id, then by their text, and compare their scores.

    Questions without an id are named by a hash of their content: those that were mended are found
    by their text where it is unique in both files.
    """
    left, right = mean_scores([before]), mean_scores([after])
    partners = pair_ids(left, right)
    old, new = left.loc[partners.index], right.loc[partners]
    same = (old[CONTENT].fillna("").to_numpy() == new[CONTENT].fillna("").to_numpy()).all(axis=1)
    paired = new.drop(columns=SCORES).reset_index(drop=True)
    for side, part in (("a", old), ("b", new)):
        for score in SCORES:
            paired[f"{score}_{side}"] = part[score].to_numpy()
    by_type = pd.DataFrame()
    if len(paired):
        units = resampled_units(paired, [before], [after])
        by_type = paired_differences(paired, units)
    return Change(
        before, after, by_type, int((~same).sum()), len(left) - len(partners),
        len(right) - len(partners),
    )  # fmt: skip


def pair_ids(left: pd.DataFrame, right: pd.DataFrame) -> pd.Series:
    """For questions of ``left`` (index: id) the id of their partner in ``right``.

    Partners have the same id, or else the same text, which no other question of either has.
    Questions of different types or formats are no partners.
    """
    shared = left.index.intersection(right.index)
    kinds = ["question_type", "format"]
    alike = (left.loc[shared, kinds].to_numpy() == right.loc[shared, kinds].to_numpy()).all(axis=1)
    partners = pd.Series(shared[alike], index=shared[alike], dtype=object)
    keys = [*kinds, "question"]
    rest = [_unique(part.drop(index=partners.index), keys) for part in (left, right)]
    by_text = rest[0].merge(rest[1], on=keys, suffixes=("_left", "_right"))
    found = pd.Series(by_text["id_right"].to_numpy(), index=by_text["id_left"], dtype=object)
    return pd.concat([partners, found])


def _unique(part: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The questions whose keys no other one has, with their ids as a column."""
    return part.loc[~part.duplicated(keys, keep=False), keys].reset_index(names="id")
