"""From a record's fold files to its scored tables and summary."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from tst.benchmarks.planted import best_score
from tst.benchmarks.settings import PLANTED
from tst.core.diagnostic import Predictions
from tst.core.folds import FoldPlan
from tst.core.questions import GROUP_PREFIX, QuestionTable
from tst.core.scoring_rules import ScoringRules
from tst.records.fold_files import FoldFile
from tst.records.identity import RESULTS_VERSION
from tst.records.record import Record
from tst.scoring.exposure import TypeExposure, find_exposed
from tst.scoring.intervals import bootstrap_column, bootstrap_units
from tst.scoring.scores import add_references, bias_scores, score_predictions
from tst.scoring.summaries import planted_aurocs, summarise
from tst.stress_testing.near_duplicates import find_near_duplicates
from tst.stress_testing.question_rows import join_rows, question_rows
from tst.stress_testing.shortcuts.to_mend import TO_MEND, find_to_mend, leading_shortcuts

log = logging.getLogger("tst")


def permutation_importance(
    questions: pd.DataFrame, predictions: Predictions, scores: pd.DataFrame, rules: ScoringRules
) -> pd.DataFrame:
    """Drop of the held-out score, by question type, when a feature family is permuted.

    Columns question_type, family, importance, n. Breiman (2001), section 10, on held-out folds.
    """
    columns = ["question_type", "family", "importance", "n"]
    drops = {
        family: scores["hard"] - score_predictions(questions, permuted, rules)["hard"]
        for family, permuted in (predictions.permuted or {}).items()
    }
    if not drops:
        return pd.DataFrame(columns=columns)
    by_type = pd.DataFrame(drops).groupby(questions["question_type"])
    sizes = by_type.size()
    found = by_type.mean().melt(ignore_index=False, var_name="family", value_name="importance")
    return found.assign(n=sizes).reset_index()[columns]


def score_record(
    record: Record,
    table: QuestionTable,
    plan: FoldPlan,
    rules: ScoringRules,
    about: dict[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Predictions, questions and summary over the folds that are finished.

    about: summary.json's ``diagnostic``
    """
    files = record.folds.read(plan.folds())
    scored = join_rows([f.rows for f in files], table.frame)
    scored = add_references(scored, table.frame, plan, [f.fold for f in files], rules)
    questions = question_rows(scored, table.frame, plan)
    scores = bias_scores(scored, table.frame)
    units = bootstrap_units(table, plan)
    summary: dict[str, Any] = summarise(scores, scored, table.frame, units)
    column = bootstrap_column(table, plan)
    if column is not None:
        group = column.removeprefix(GROUP_PREFIX)
        summary["resampled"] = {"group": group, "n": int(table.frame[column].nunique())}
    summary["exposure"] = [asdict(e) for e in find_exposed(scores, table.frame, units)]
    summary["diagnostic"] = about
    summary["planted"] = planted_aurocs(scores, table.frame)
    if table.name == PLANTED:
        for kind, of_type in summary["planted"].items():
            of_type["best"] = best_score(kind, rules)
    summary["cost"] = add_costs(files)
    summary["data"] = describe_data(table)
    summary["versions"] = mixed_versions(files)
    summary["results_version"] = RESULTS_VERSION
    summary["folds"] = {
        "k": plan.k, "seed": plan.seed, "repeats": plan.repeats, "group_by": plan.group_by,
        "stratify": plan.stratify, "finished": len(files), "planned": len(plan.folds()),
    }  # fmt: skip
    return scored.drop(columns="row"), questions, summary


def write_result(
    record: Record,
    table: QuestionTable,
    plan: FoldPlan,
    rules: ScoringRules,
    about: dict[str, Any],
    features: Sequence[str] = (),
) -> None:
    """Write the result when every fold is finished; else leave the status at ``partial``.

    features: entity featurisers, by which questions to mend are explained too
    Of several processes that finish at the same time, the first writes it.
    """
    folds = plan.folds()
    with record.writing():
        if record.is_complete():
            return
        done = record.folds.finished(folds)
        if len(done) == len(folds):
            predictions, questions, summary = score_record(record, table, plan, rules, about)
            exposure = [TypeExposure(**entry) for entry in summary["exposure"]]
            fold = plan.assignment[0]
            to_mend = find_to_mend(table, fold, questions, exposure, rules, features)
            summary["shortcuts"] = leading_shortcuts(to_mend)
            tables = {
                TO_MEND: to_mend,
                "predictions.parquet": predictions,
                "questions.parquet": questions,
                "questions.csv": questions,
                "importance.csv": mean_importance(record.folds.read(folds)),
                "near_duplicates.csv": find_near_duplicates(table.frame, plan, rules),
            }
            record.write_result(tables, summary)
            return
    record.mark("partial", finished=len(done), planned_folds=len(folds))


def read_result(
    record: Record,
    table: QuestionTable,
    plan: FoldPlan,
    rules: ScoringRules,
    about: dict[str, Any],
) -> tuple[pd.DataFrame, dict[str, Any], bool]:
    """Questions, summary and whether they are complete; else both are of the finished folds."""
    if record.is_complete():
        return pd.read_parquet(record.path / "questions.parquet"), record.read_summary(), True
    _, questions, summary = score_record(record, table, plan, rules, about)
    return questions, summary, False


def mean_importance(files: list[FoldFile]) -> pd.DataFrame | None:
    """Permutation importance over folds: mean and sd (ddof 1) by type and family."""
    rows = [entry for f in files for entry in f.notes.get("importance", [])]
    if not rows:
        return None
    groups = pd.DataFrame(rows).groupby(["question_type", "family"])["importance"]
    table = groups.agg(importance="mean", sd="std", folds="size").reset_index()
    return table.sort_values(["question_type", "importance"], ascending=[True, False])


def add_costs(files: list[FoldFile]) -> dict[str, float]:
    """Cost over folds: seconds and counts add up, ``peak_*`` are maxima, ``*_loss`` means."""
    values: dict[str, list[float]] = {}
    for file in files:
        for key, value in file.notes.get("cost", {}).items():
            if value is not None:
                values.setdefault(key, []).append(value)
    return {key: _over_folds(key, given) for key, given in values.items()}


def _over_folds(key: str, values: list[float]) -> float:
    if key.startswith("peak_"):
        return max(values)
    return sum(values) / len(values) if key.endswith("_loss") else sum(values)


def mixed_versions(files: list[FoldFile]) -> dict[str, Any]:
    """Library versions of the folds: one text each, or the list of those that were mixed."""
    seen: dict[str, list[str]] = {}
    for file in files:
        for package, version in file.notes.get("versions", {}).items():
            if version not in seen.setdefault(package, []):
                seen[package].append(version)
    mixed = {p: v for p, v in seen.items() if len(v) > 1}
    if mixed:
        log.warning("the folds of this record were computed with different versions: %s", mixed)
    return {p: v[0] if len(v) == 1 else v for p, v in seen.items()}


def describe_data(table: QuestionTable) -> dict[str, Any]:
    """summary.json's ``data``: what was understood, rows left out and why, fingerprint, source."""
    understood = None if table.understanding is None else table.understanding.to_plain()
    return {
        "benchmark": table.name,
        "rows_read": table.rows_read,
        "questions": len(table.frame),
        "formats": {str(f): int(n) for f, n in table.frame["format"].value_counts().items()},
        "left_out": [vars(left) for left in table.left_out],
        "understood": understood,
        "fingerprint": table.fingerprint,
        "source": table.source,
        "revision": table.revision,
        "groups": {g: int(table.frame[GROUP_PREFIX + g].nunique()) for g in table.groups},
    }


def describe_source(table: QuestionTable) -> dict[str, Any]:
    """What identifies the questions, without where they lie on this machine."""
    return {
        "name": table.name,
        "questions": len(table.frame),
        "fingerprint": table.fingerprint,
        "revision": table.revision,
    }
