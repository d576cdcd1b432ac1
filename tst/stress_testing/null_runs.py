"""The null draws of a record: kept beside its result, the missing ones computed side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from tst.core.diagnostic import Diagnostic
from tst.core.folds import FoldPlan
from tst.core.progress import Progress
from tst.core.questions import QuestionTable
from tst.core.scoring_rules import ScoringRules
from tst.records.files import read_json, write_json
from tst.records.record import Record
from tst.scoring.intervals import bootstrap_column
from tst.scoring.null_tests import KINDS, describe_left_out, judge_draws, run_draw


def run_nulls(
    build: Callable[[], Diagnostic],
    table: QuestionTable,
    plan: FoldPlan,
    record: Record,
    repeats: int,
    rules: ScoringRules,
    n_jobs: int = 1,
) -> dict[str, Any]:
    """All null draws, the missing ones computed in parallel, and what they say.

    build: makes a diagnostic, in the process that uses it
    record: of the real run, whose draws are kept beside its result
    Returns per kind the means over draws of model and majority, their standard errors and whether
    the null holds (``violated_by``: whose mean is off; None with a ``holds_reason`` where it cannot
    be told); for ``permuted`` also p = (1 + #{null >= observed}) / (1 + repeats). A table without
    mc questions has no ``uniform``.
    """
    folder, unit_column = record.path / "null", bootstrap_column(table, plan)
    mc_units = len(set(plan.units[(table.frame["format"] == "mc").to_numpy()]))
    kinds = [kind for kind in KINDS if kind == "permuted" or mc_units >= plan.k]
    missing = [
        (kind, draw)
        for draw in range(repeats)
        for kind in kinds
        if not _draw_path(folder, kind, draw).exists()
    ]

    def compute(kind: str, draw: int) -> tuple[str, int, dict[str, float]]:
        found = run_draw(build(), table.frame, plan, unit_column, kind, draw, rules)
        return kind, draw, found

    jobs = (delayed(compute)(kind, draw) for kind, draw in missing)
    results = Parallel(n_jobs=n_jobs, return_as="generator_unordered")(jobs)
    with Progress("null draws", len(missing), "draw") as progress:
        for kind, draw, found in results:
            write_json(_draw_path(folder, kind, draw), found)
            progress.advance()
    draws = {
        kind: [read_json(_draw_path(folder, kind, draw)) for draw in range(repeats)]
        for kind in kinds
    }
    observed = record.read_summary()["overall"]["score_hard"]
    judged = {kind: judge_draws(kind, draws[kind], observed) for kind in kinds}
    if 0 < mc_units < plan.k:
        judged["uniform"] = describe_left_out(mc_units, plan)
    return judged


def _draw_path(folder: Path, kind: str, draw: int) -> Path:
    return folder / f"{kind}-{draw}.json"
