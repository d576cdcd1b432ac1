"""The record of a pruning: outputs/prune/<benchmark>/<diagnostic>[-<model>]/<hash>/.

There is one file of scores per iteration and fold seed, complete or absent. Everything else follows
from them and is written again by every run of the command.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.core.questions import QuestionTable
from tst.pruning.allocation import Quotas
from tst.pruning.loop import FLOORS, GROUPS, Iteration, Pruning
from tst.pruning.settings import PruneConfig
from tst.records.files import write_csv, write_text
from tst.records.identity import Identity, flatten
from tst.records.kinds import PRUNING, STRESS_TEST
from tst.records.record import Record
from tst.scoring.exposure import TypeExposure
from tst.scoring.summaries import ADJUSTED, adjusted_mean
from tst.stress_testing.identity import identify, record_folder

NONE_EXPOSED = "no exposed type"
RESULT_FILES = ("removed_ids.txt", "removed.csv", "kept_ids.txt", "iterations.csv")
"""Files of the result that status.json lists with their checksums, besides the summary."""


def identify_pruning(config: PruneConfig, table: QuestionTable, quotas: Quotas) -> Identity:
    """The identity of a pruning: all that can change what is removed."""
    run, settings = identify(config, table), config.prune
    rules = {
        "removable": quotas.removable, "floors": quotas.floors, "batch": quotas.batch,
        "tau": settings.tau, "rank_by": settings.rank_by, "allocation": settings.allocation,
        "refresh": settings.refresh, "of_exposed_types": settings.of_exposed_types(),
    }  # fmt: skip
    return replace(run, leaves=run.leaves | flatten(rules, "prune"))


def prune_folder(config: PruneConfig, table: QuestionTable, quotas: Quotas) -> Path:
    """The folder of a pruning."""
    benchmark, diagnostic, _ = STRESS_TEST.place(record_folder(config, table))
    identity = identify_pruning(config, table, quotas)
    return PRUNING.path(config.outputs_root, (benchmark, diagnostic), identity.hash).resolve()


def require_alone(record: Record) -> None:
    """Lease a record for this process. Raises UserError when another process holds it."""
    if by := record.lease_whole():
        raise UserError(f"{record.path}: {by} is running this pruning; wait for it or stop it.")


def judged_folder(config: PruneConfig, table: QuestionTable) -> Path:
    """The folder of a judge's scores, which all prunings of a benchmark share."""
    run = record_folder(config, table)
    benchmark, diagnostic, scheme = STRESS_TEST.place(run)
    folder = Path(config.outputs_root, PRUNING.folder, benchmark, "judged", diagnostic)
    return (folder / f"{scheme}-{run.name}").resolve()


def scores_path(folder: Path, iteration: int, seed: int) -> Path:
    """The file of the scores of one iteration and fold seed."""
    return folder / "iterations" / f"{iteration:04d}-{seed}.parquet"


def write_iterations(folder: Path, iterations: list[Iteration]) -> None:
    """iterations.csv: one row per iteration, the last one for the final state."""
    rows = []
    removed = 0
    for it in iterations:
        rows.append(
            {
                "iteration": it.number, "n": it.n, "removed_before": removed,
                "removed": len(it.removed), "seeds": " ".join(map(str, it.seeds)),
                "score_hard": it.score_hard, "score_soft": it.score_soft,
                "baseline": it.baseline, "adjusted_hard": it.adjusted_hard,
                "adjusted_soft": it.adjusted_soft, "highest": it.highest,
                "lowest_removed": it.lowest, "seconds": round(it.seconds, 3),
                "removed_ids": json.dumps(it.removed, ensure_ascii=False),
            }
        )  # fmt: skip
        removed += len(it.removed)
    write_csv(folder / "iterations.csv", pd.DataFrame(rows))


def written_iterations(folder: Path) -> int:
    """The number of rows of iterations.csv; 0 where there is no such file."""
    path = folder / "iterations.csv"
    return len(pd.read_csv(path)) if path.exists() else 0


def write_ids(folder: Path, ids: np.ndarray, pruning: Pruning) -> None:
    """removed_ids.txt in the order of removal, kept_ids.txt in table order."""
    write_text(folder / "removed_ids.txt", "".join(f"{i}\n" for i in ids[pruning.removed]))
    write_text(folder / "kept_ids.txt", "".join(f"{i}\n" for i in ids[pruning.kept]))


def read_ids(path: Path, name: str) -> list[str]:
    """Ids of a text file, one per line. Raises UserError when there are none.

    name: the setting that named the file
    """
    try:
        text = path.expanduser().read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{name}={path}: cannot be read as a list of ids ({error}).") from error
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if not ids:
        raise UserError(f"{name}={path}: the file has no ids; expected one id per line.")
    return ids


def describe_pruning(
    pruning: Pruning, table: QuestionTable, quotas: Quotas, exposure: Sequence[TypeExposure]
) -> dict[str, Any]:
    """``pruning`` of summary.json: what was asked for, what was removed, why it stopped.

    exposure: of every type by the first diagnosis; empty where any type may lose questions
    """
    types = table.frame["question_type"].to_numpy()
    per_type = {str(t): _describe_type(str(t), types, pruning) for t in dict.fromkeys(types)}
    first, last = pruning.iterations[0], pruning.iterations[-1]
    fields = ("n", "score_hard", "score_soft", "baseline", "adjusted_hard", "adjusted_soft")
    summary: dict[str, Any] = {
        "budget": quotas.budget,
        "batch": quotas.batch,
        "quotas": quotas.removable,
        "removed": len(pruning.removed),
        "kept": len(pruning.kept),
        "stopped": pruning.stopped,
        "iterations": len(pruning.iterations),
        "per_type": per_type,
        "exposure": [asdict(entry) for entry in exposure],
        "before": {f: getattr(first, f) for f in fields},
        "after": {f: getattr(last, f) for f in fields},
        "seconds": sum(i.seconds for i in pruning.iterations),
    }
    if exposure and not any(entry.is_exposed for entry in exposure):
        summary["stopped"] = NONE_EXPOSED
        summary["reason"] = (
            "no question type is exposed: none is answered above chance without looking, and none "
            "by one answer; prune.types=all removes questions all the same"
        )
    if pruning.stopped == FLOORS:
        summary["reason"] = (
            f"{len(pruning.removed)} of {quotas.budget} were removed, as all types that may still "
            "lose questions have reached their floor"
        )
    if pruning.stopped == GROUPS:
        summary["reason"] = (
            f"{len(pruning.removed)} of {quotas.budget} were removed, as another batch would leave "
            "fewer groups than there are folds"
        )
    if "planted" in table.frame:
        planted = table.frame["planted"].astype(int).to_numpy()
        summary["planted"] = {
            "share_of_all": float(planted.mean()),
            "share_of_removed": float(planted[pruning.removed].mean())
            if len(pruning.removed)
            else float("nan"),
        }
    return summary


def _describe_type(name: str, types: np.ndarray, pruning: Pruning) -> dict[str, Any]:
    """How many questions the type had, lost and keeps, and the chooser's scores [before, after].

    NaN where none is kept.
    """
    described: dict[str, Any] = {
        "before": int((types == name).sum()),
        "removed": int((types[pruning.removed] == name).sum()),
        "kept": int((types[pruning.kept] == name).sum()),
    }
    parts = [
        scores[types[scores.index.to_numpy()] == name] for scores in (pruning.first, pruning.last)
    ]
    described["score_hard"] = [float(part["hard"].mean()) for part in parts]
    described["baseline"] = [float(part["baseline"].mean()) for part in parts]
    for field, column in ADJUSTED.items():
        described[field] = [adjusted_mean(part[column], part["baseline"]) for part in parts]
    return described
