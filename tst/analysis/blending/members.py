"""The records that are blended: on the same questions, in the same folds, scored alike."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.core.folds import FoldPlan
from tst.core.questions import GROUP_PREFIX, TRUTH_COLUMNS, QuestionTable, declared_groups
from tst.core.scoring_rules import ScoringRules
from tst.records.run_records import RunRecord, read_record

PLAN = ("fold.k", "fold.seed", "fold.repeats", "fold.group_by", "fold.stratify")
SCORING = ("scoring.mra_inclusive", "scoring.open")
FEWEST = 2


@dataclass
class Members:
    """k records, their common questions and plan.

    predictions: of each record predictions.parquet, by (repeat, row of the table)
    """

    records: list[RunRecord]
    table: QuestionTable
    plan: FoldPlan
    rules: ScoringRules
    predictions: list[pd.DataFrame]


def read_members(paths: Sequence[str]) -> Members:
    """The records in these folders. UserError where they cannot be blended, with why."""
    distinct = len({Path(path).resolve() for path in paths})
    if distinct < max(FEWEST, len(paths)):
        raise UserError(
            f"tst blend was given {distinct} record(s) in {len(paths)} path(s); expected at least "
            f"{FEWEST}, each once, each a folder that a run printed as `record: PATH`."
        )
    records = [read_record(Path(path)) for path in paths]
    first = records[0]
    for record in records[1:]:
        _require_alike(first, record)
    table = _read_table(first)
    frames = [_by_row(record, table) for record in records]
    for record, frame in zip(records, frames, strict=True):
        if not frame["fold"].equals(frames[0]["fold"]):
            raise UserError(
                f"{first.path} and {record.path} hold out other questions in their folds although "
                "their fold settings agree. Run one of them again with this version of TsT."
            )
    assignment = frames[0]["fold"].unstack("row").to_numpy(dtype=int)
    leaves = first.leaves
    plan = FoldPlan(
        int(leaves["fold.k"]), first.seed, first.group_by, first.stratify, assignment,
        units=np.arange(len(table.frame)), order=np.arange(len(table.frame)),
    )  # fmt: skip
    rules = ScoringRules(bool(leaves[SCORING[0]]), str(leaves[SCORING[1]]))
    return Members(records, table, plan, rules, frames)


def _require_alike(first: RunRecord, other: RunRecord) -> None:
    if first.fingerprint != other.fingerprint:
        raise UserError(
            f"{first.path} and {other.path} are on different questions ({first.benchmark}, "
            f"{other.benchmark}). Blend records of one benchmark."
        )
    differing = [
        f"{path}={first.leaves.get(path)} and {other.leaves.get(path)}"
        for path in (*PLAN, *SCORING)
        if first.leaves.get(path) != other.leaves.get(path)
    ]
    if differing:
        raise UserError(
            f"{first.path} and {other.path} do not share a plan: {'; '.join(differing)}. A blend "
            "is fitted on some folds and scored on another, so all records need the same ones. "
            "Run one of them again with the other's settings."
        )


def _read_table(record: RunRecord) -> QuestionTable:
    """The questions as the record keeps them, in table order."""
    kept = record.questions
    groups = [GROUP_PREFIX + group for group in declared_groups(kept)]
    truth = [column for column in TRUTH_COLUMNS if column in kept]
    frame = kept[["id", "question_type", "format", "question", *groups, *truth]].copy()
    options = [json.loads(o) if isinstance(o, str) else None for o in kept["options"]]
    answers = [
        float(json.loads(a)) if kind == "num" else json.loads(a)
        for kind, a in zip(kept["format"], kept["answer"], strict=True)
    ]
    frame["options"] = pd.Series(options, dtype=object)
    frame["answer"] = pd.Series(answers, dtype=object)
    return QuestionTable(record.benchmark, frame, len(frame), [], "", "")


def _by_row(record: RunRecord, table: QuestionTable) -> pd.DataFrame:
    position = pd.Series(np.arange(len(table.frame)), index=table.frame["id"].to_numpy())
    frame = pd.read_parquet(record.path / "predictions.parquet")
    frame["row"] = position.loc[frame["id"].to_numpy()].to_numpy()
    return frame.set_index(["repeat", "row"]).sort_index()
