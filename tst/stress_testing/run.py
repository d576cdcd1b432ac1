"""One stress test from a typed config to a finished record; what the command and the API call."""

from __future__ import annotations

import gc
import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from tst.benchmarks.load import load_benchmark
from tst.benchmarks.understanding.describe import short_block
from tst.config.schema import RunConfig, to_plain, to_yaml
from tst.core.diagnostic import Fold, Predictions
from tst.core.folds import FoldPlan, plan_folds
from tst.core.progress import Progress
from tst.core.questions import QuestionTable
from tst.core.scoring_rules import ScoringRules
from tst.records.environment import describe_environment, library_versions
from tst.records.record import Record
from tst.records.store import FolderStore
from tst.scoring.scores import score_predictions
from tst.stress_testing.build import (
    build_diagnostic,
    diagnostic_of,
    predictions_alone,
    resolve_auto,
)
from tst.stress_testing.identity import describe_diagnostic, identify, record_folder
from tst.stress_testing.null_runs import run_nulls
from tst.stress_testing.question_rows import fold_rows
from tst.stress_testing.results import (
    describe_source,
    permutation_importance,
    read_result,
    write_result,
)
from tst.stress_testing.shortcuts.to_mend import COLUMNS, read_to_mend
from tst.tracking.publisher_process import published

log = logging.getLogger("tst")

WAIT_SECONDS = 0.5


@dataclass
class Result:
    """What a run left: where its record is, and its tables.

    questions: one row per question that has a prediction (docs/record.md)
    summary: summary.json as a dict
    complete: False while folds are missing (``fold.only``, or other processes still at work)
    """

    record: Path
    questions: pd.DataFrame
    summary: dict[str, Any]
    complete: bool

    @property
    def to_mend(self) -> pd.DataFrame:
        """The questions to mend, those that give most away first: ``shortcuts.to_mend.COLUMNS``.

        Empty while folds are missing.
        """
        if not self.complete:
            return pd.DataFrame(columns=list(COLUMNS))
        return read_to_mend(self.record)


def run(config: RunConfig, table: QuestionTable | None = None) -> Result:
    """Run the missing folds of a stress test and write its record.

    table: the questions, where they do not come from ``config.benchmark``
    Raises UserError for anything the user can mend, before a model is loaded.
    """
    asked, config = to_plain(config), resolve_auto(config)
    table = load_table(config) if table is None else table
    plan = plan_for(config, table)
    rules, about = config.scoring.rules(), describe_diagnostic(config)
    wanted = plan.folds(config.fold.only)
    with ExitStack() as stack:
        record = stack.enter_context(Record(record_folder(config, table)))
        stack.enter_context(record.keeping_log())
        identity = identify(config, table)
        record.write_settings(to_yaml(config), identity, describe_environment(), asked)
        source = describe_source(table)
        stack.enter_context(published(config.tracking, record.path, config.outputs_root, source))
        stack.enter_context(record.noting_failure())
        missing = len(wanted) - len(record.folds.finished(wanted))
        log.info(
            "%s: %d questions, %d of %d folds to run", table.name, len(table.frame), missing,
            len(wanted),
        )  # fmt: skip
        if missing:
            _run_folds(config, table, plan, record, wanted)
        if not record.is_complete():
            write_result(record, table, plan, rules, about, config.benchmark.features)
        if config.null.repeats and record.is_complete():
            _add_nulls(config, table, plan, record)
        questions, summary, complete = read_result(record, table, plan, rules, about)
        return Result(record.path, questions, summary, complete)


def describe(config: RunConfig, table: QuestionTable | None = None) -> str:
    """What ``run`` would do: the questions, the folds, and what the diagnostic says of its work.

    table: the questions, where they do not come from ``config.benchmark``
    """
    config = resolve_auto(config)
    table = load_table(config) if table is None else table
    plan = plan_for(config, table)
    sizes = [int((plan.assignment[r] == f).sum()) for r, f in plan.folds(config.fold.only)]
    lines = [
        f"{table.name}: {len(table.frame)} questions of {table.rows_read} rows, "
        f"{len(sizes)} folds of {min(sizes)} to {max(sizes)} questions",
        f"record: {record_folder(config, table)}",
    ]
    diagnostic = build_diagnostic(config, FolderStore.under(config.outputs_root))
    if told := diagnostic.describe(table.frame, plan, config.fold.only):
        lines.insert(1, told)
    return "\n".join(lines)


def load_table(config: RunConfig) -> QuestionTable:
    """The benchmark's questions; what was understood of their source is told in the log."""
    table = load_benchmark(config.benchmark, config.data_root)
    tell_understanding(table)
    return table


def tell_understanding(table: QuestionTable) -> None:
    """Log how the source was read, and what in it is likely to be a mistake."""
    if table.understanding is None:
        return
    log.info("%s", short_block(table.name, table.understanding))
    for warning in table.understanding.warnings:
        log.warning("%s: %s", table.name, warning)


def plan_for(config: RunConfig, table: QuestionTable) -> FoldPlan:
    """The fold plan that a config asks for."""
    fold = config.fold
    groups = fold.grouping(table.groups)
    return plan_folds(table.frame, fold.k, fold.seed, fold.repeats, groups, fold.stratify)


def _run_folds(
    config: RunConfig, table: QuestionTable, plan: FoldPlan, record: Record, wanted: list[Fold]
) -> None:
    """Run every wanted fold that is free; wait for those that other processes are at.

    Each fold is on disk before the next is asked for; the folds of a process that dies are taken
    over.
    """
    store = FolderStore.under(config.outputs_root, record.path)
    diagnostic = build_diagnostic(config, store)
    rules = config.scoring.rules()
    told: dict[Fold, str] = {}
    with Progress("folds", len(wanted), "fold", diagnostic.folds_at_once) as progress:
        while len(done := record.folds.finished(wanted)) < len(wanted):
            progress.advance(len(done) - progress.done)
            leased = record.folds.lease(wanted, diagnostic.folds_at_once)
            if leased:
                record.mark("running", planned_folds=len(plan.folds()))
                for fold, predictions in diagnostic.run_folds(table.frame, plan, leased, plan.seed):
                    _keep_fold(record, table.frame, plan, fold, predictions, rules)
                    progress.advance()
            else:
                _tell_waiting(record.folds.holders(wanted), told)
                time.sleep(WAIT_SECONDS)
    del diagnostic
    gc.collect()


def _tell_waiting(holders: dict[Fold, str], told: dict[Fold, str]) -> None:
    """Log who computes the folds that are waited for, each once. told: what was logged."""
    for fold, holder in holders.items():
        if told.get(fold) != holder:
            log.info("waiting for fold %d-%d, computed by %s", *fold, holder)
            told[fold] = holder


def _keep_fold(
    record: Record,
    table: pd.DataFrame,
    plan: FoldPlan,
    fold: Fold,
    predictions: Predictions,
    rules: ScoringRules,
) -> None:
    rows = plan.heldout_rows(*fold)
    questions = table.iloc[rows]
    scores = score_predictions(questions, predictions, rules)
    importance = permutation_importance(questions, predictions, scores, rules)
    versions = library_versions()
    notes = {
        "cost": predictions.cost,
        # with the library versions: folds that used another base are reported as mixed versions
        "versions": versions | ({"base": predictions.base} if predictions.base else {}),
        "importance": importance.to_dict("records"),
    }
    kept = fold_rows(table, rows, fold, predictions, scores)
    record.folds.write(fold, kept, notes, predictions.history)
    mean = 100 * float(scores["hard"].mean())
    log.info("fold %d-%d: score %.1f over %d questions", *fold, mean, len(rows))


def _add_nulls(config: RunConfig, table: QuestionTable, plan: FoldPlan, record: Record) -> None:
    """Run the missing null draws and put what they say into the summary."""
    quick = predictions_alone(config)
    quick.n_jobs = 1
    in_parallel = "model" not in diagnostic_of(config).reads  # else draws share one loaded base
    store = FolderStore.under(config.outputs_root, record.path)
    null = run_nulls(
        partial(build_diagnostic, quick, store),
        table,
        plan,
        record,
        config.null.repeats,
        config.scoring.rules(),
        n_jobs=config.n_jobs if in_parallel else 1,
    )
    record.update_summary(null=null)
