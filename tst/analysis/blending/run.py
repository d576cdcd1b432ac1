"""One blend from the folders of its records to a record of its own."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tst.analysis.blending.cross_fit import blend_fold
from tst.analysis.blending.members import PLAN, SCORING, Members, read_members
from tst.core.errors import UserError
from tst.core.folds import scheme_name
from tst.records.environment import describe_environment
from tst.records.identity import RESULTS_VERSION, Identity
from tst.records.kinds import BLEND
from tst.records.record import Record
from tst.records.run_records import RunRecord
from tst.stress_testing.question_rows import fold_rows
from tst.stress_testing.results import score_record

log = logging.getLogger("tst")

NAME = "blend"
VERSION = 1
"""Raised by hand when the same records give another blend."""


@dataclass
class Blend:
    """A finished blend: its record, its summary, and the records that it is made of."""

    path: Path
    summary: dict[str, Any]
    records: list[RunRecord]


def blend(paths: list[str], outputs_root: Path) -> Blend:
    """Stack these records and write the blend's own; one that is there is read.

    Raises UserError where the records cannot be blended, or another process is at it.
    """
    members = read_members(paths)
    identity = identify(members)
    with Record(_folder(members, outputs_root, identity)) as record:
        if holder := record.lease_whole():
            raise UserError(f"{record.path} is being written by {holder}; wait for it to end.")
        config = {"records": [str(r.path) for r in members.records], "name": NAME}
        text = yaml.safe_dump(config, sort_keys=False)
        record.write_settings(text, identity, describe_environment(), {})
        with record.keeping_log(), record.noting_failure():
            if not record.is_complete():
                _write(members, record)
        return Blend(record.path, record.read_summary(), members.records)


def identify(members: Members) -> Identity:
    """Which records are blended, in any order, and how they are folded and scored."""
    first = members.records[0]
    leaves = {path: first.leaves.get(path) for path in (*PLAN, *SCORING)}
    leaves |= {
        "diagnostic.name": NAME,
        "diagnostic.implementation": __package__,
        "diagnostic.version": VERSION,
        "blend.records": sorted(r.hash for r in members.records),
    }
    return Identity(leaves, first.fingerprint, RESULTS_VERSION)


def _folder(members: Members, outputs_root: Path, identity: Identity) -> Path:
    first, plan = members.records[0], members.plan
    who = "+".join(
        sorted({"-".join(filter(None, (r.diagnostic, r.model))) for r in members.records})
    )
    scheme = scheme_name(plan.k, plan.group_by, plan.stratify)
    place = (first.benchmark, who.replace("+", "-and-"), scheme)
    return BLEND.path(outputs_root, place, identity.hash)


def _write(members: Members, record: Record) -> None:
    plan, rules = members.plan, members.rules
    by_type: dict[str, list[list[float]]] = {}
    for fold in plan.folds():
        done = blend_fold(members, fold)
        for kind, weights in done.weights.items():
            by_type.setdefault(kind, []).append(weights)
        scores = done.scores(members)
        rows = fold_rows(members.table.frame, done.rows, fold, done.predictions, scores)
        record.folds.write(fold, rows, {"weights": done.weights})
        mean = 100 * float(scores["hard"].mean())
        log.info("fold %d-%d: score %.1f over %d questions", *fold, mean, len(rows))
    subjects = list(dict.fromkeys(r.subject for r in members.records))
    about = {"name": NAME, "model": "", "label": " + ".join(subjects), "defaults": {}}
    predictions, questions, summary = score_record(record, members.table, plan, rules, about)
    # of the source of the questions the records know more than what is kept of these
    summary["data"] = members.records[0].summary["data"]
    summary["blend"] = {
        "records": [
            {
                "hash": r.hash, "subject": r.subject, "path": str(r.path),
                "score_hard": r.summary["overall"]["score_hard"],
                "score_soft": r.summary["overall"]["score_soft"],
            }
            for r in members.records
        ],
        "weights": {
            kind: np.mean(given, axis=0).round(4).tolist() for kind, given in by_type.items()
        },
    }  # fmt: skip
    tables = {
        "predictions.parquet": predictions,
        "questions.parquet": questions,
        "questions.csv": questions,
    }
    with record.writing():
        record.write_result(tables, summary)
