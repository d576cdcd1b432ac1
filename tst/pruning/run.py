"""One pruning, from a typed config to a finished record."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.config.schema import to_plain, to_yaml
from tst.core.questions import GROUP_PREFIX, QuestionTable
from tst.pruning.allocation import plan_quotas
from tst.pruning.dataset_card import write_card
from tst.pruning.diagnosis import make_examiner
from tst.pruning.evaluation import evaluate
from tst.pruning.export import write_benchmark
from tst.pruning.figures import write_figures
from tst.pruning.inputs import Inputs, read_inputs
from tst.pruning.loop import Iteration, Pruning, Rules, mean_scores, prune
from tst.pruning.progress import showing_progress
from tst.pruning.record import (
    RESULT_FILES,
    describe_pruning,
    identify_pruning,
    prune_folder,
    require_alone,
    scores_path,
    write_ids,
    write_iterations,
    written_iterations,
)
from tst.pruning.settings import PruneConfig
from tst.records.environment import describe_environment
from tst.records.files import write_csv, write_parquet
from tst.records.identity import RESULTS_VERSION
from tst.records.record import Record
from tst.scoring.exposure import TypeExposure, find_exposed
from tst.scoring.intervals import bootstrap_units
from tst.stress_testing.build import predictions_alone, resolve_auto
from tst.stress_testing.identity import describe_diagnostic
from tst.stress_testing.results import describe_data, describe_source
from tst.stress_testing.run import plan_for
from tst.stress_testing.shortcuts.explaining import explain_answers
from tst.tracking.publisher_process import published

log = logging.getLogger("tst")

SHOWN = ("floor", "judge", "judge_seeds", "judge_folds", "random_draws")
"""Settings that are sent to W&B besides those of the identity; the others may hold paths."""


def run_pruning(config: PruneConfig) -> tuple[Path, dict[str, Any]]:
    """Prune, judge and write the record; returns its folder and summary.json.

    Diagnoses that an interrupted run finished are read, not computed again. Raises UserError for
    anything that the user can mend, before a model is loaded.
    """
    asked, config = to_plain(config), predictions_alone(resolve_auto(config))
    inputs = read_inputs(config)
    with Record(prune_folder(config, inputs.table, inputs.quotas)) as record:
        require_alone(record)
        identity = identify_pruning(config, inputs.table, inputs.quotas)
        record.write_settings(to_yaml(config), identity, describe_environment(), asked)
        with (
            record.keeping_log(),
            publishing(config, inputs, record.path),
            record.noting_failure(),
        ):
            record.mark("running")
            pruning, inputs, exposure = choose(config, inputs, record.path)
            write_iterations(record.path, pruning.iterations)
            write_ids(record.path, inputs.table.frame["id"].to_numpy(), pruning)
            write_parquet(record.path / "scores.parquet", named_scores(inputs.table, pruning))
            write_csv(record.path / "removed.csv", list_removed(config, inputs.table, pruning))
            path = write_benchmark(
                record.path / "benchmark", inputs.source, pruning, inputs.table.source,
                inputs.table.name,
            )  # fmt: skip
            write_figures(record.path / "figures", inputs.table.frame, pruning)
            summary = describe(config, inputs, pruning, exposure)
            summary["pruning"]["file"] = str(path.relative_to(record.path))
            summary |= evaluate(config, inputs, pruning)
            write_card(record.path / "benchmark" / "README.md", inputs.table, summary)
            with record.writing():
                record.write_result({}, summary, written=RESULT_FILES)
    return record.path, summary


def publishing(config: PruneConfig, inputs: Inputs, record: Path) -> AbstractContextManager[None]:
    """Publishes to Weights & Biases during the pruning, where that is asked for."""
    source = describe_source(inputs.table)
    shown = {f"prune.{field}": getattr(config.prune, field) for field in SHOWN}
    shown["prune.budget"] = inputs.quotas.budget
    return published(config.tracking, record, config.outputs_root, source, shown)


def choose(
    config: PruneConfig, inputs: Inputs, folder: Path
) -> tuple[Pruning, Inputs, list[TypeExposure]]:
    """Run the loop, or the rest of it; iterations.csv is written after every iteration.

    Returns the inputs with the quotas that held and, where only exposed types lose questions, what
    the first diagnosis says of every type.
    """
    settings, fold, table = config.prune, config.fold, inputs.table
    seeds = list(range(fold.seed, fold.seed + fold.repeats))
    group_by = fold.grouping(table.groups)
    groups = None if group_by is None else table.frame[GROUP_PREFIX + group_by].to_numpy()
    examiner = make_examiner(config, table.frame, group_by)

    def examine(iteration: int, rows: np.ndarray, seed: int) -> pd.DataFrame:
        return examiner.examine(rows, seed, scores_path(folder, iteration, seed))

    exposure: list[TypeExposure] = []
    if settings.of_exposed_types():
        exposure = find_exposed_types(config, table, partial(examine, 0), seeds)
        to_mend = Counter[str]()
        for entry in exposure:
            if entry.is_exposed:
                to_mend[entry.question_type] += entry.to_mend
        inputs = replace(inputs, quotas=plan_quotas(settings, table.frame, to_mend=to_mend))
    rules = Rules(
        inputs.quotas, settings.rank_by, settings.tau, seeds, settings.refresh, groups, fold.k
    )
    log.info(
        "%s: removing up to %d of %d questions, %d per iteration",
        table.name, inputs.quotas.budget, len(table.frame), inputs.quotas.batch,
    )  # fmt: skip
    done: list[Iteration] = []
    written = written_iterations(folder)
    with showing_progress(inputs.quotas.budget, inputs.quotas.batch, settings.refresh) as progress:

        def follow(iteration: Iteration, removed: int) -> None:
            done.append(iteration)
            if len(done) > written:  # a resumed run never shortens the file
                write_iterations(folder, done)
            progress(iteration, removed)

        return prune(table.frame["id"].to_numpy(), rules, examine, follow), inputs, exposure


def find_exposed_types(
    config: PruneConfig,
    table: QuestionTable,
    examine: Callable[[np.ndarray, int], pd.DataFrame],
    seeds: list[int],
) -> list[TypeExposure]:
    """What the chooser's first diagnosis says of every type; the loop reads the same scores."""
    rows = np.arange(len(table.frame))
    scores = mean_scores({s: examine(rows, s).set_index("row") for s in seeds}, rows)
    units = bootstrap_units(table, plan_for(config, table))
    exposure = find_exposed(scores, table.frame, units)
    names = [entry.question_type for entry in exposure if entry.is_exposed]
    log.info("%s: exposed types: %s", table.name, ", ".join(names) or "none")
    return exposure


def list_removed(config: PruneConfig, table: QuestionTable, pruning: Pruning) -> pd.DataFrame:
    """removed.csv: what went, in order: id, question_type, iteration, score, shortcut, why.

    score: the one that ranked it (``prune.rank_by``) when it was removed
    """
    iteration = {name: it.number for it in pruning.iterations for name in it.removed}
    part = table.frame.iloc[pruning.removed]
    told = explain_answers(
        table.frame, plan_for(config, table).assignment[0], pruning.removed,
        config.scoring.rules(), config.benchmark.features,
    )  # fmt: skip
    ranking = pruning.scores.set_index(pruning.scores["row"])["ranking"]
    return pd.DataFrame(
        {
            "id": part["id"].to_numpy(),
            "question_type": part["question_type"].to_numpy(),
            "iteration": [iteration[str(name)] for name in part["id"]],
            "score": ranking.loc[pruning.removed].to_numpy(),
            "shortcut": told["shortcut"].to_numpy(),
            "why": told["why"].to_numpy(),
        }
    )


def named_scores(table: QuestionTable, pruning: Pruning) -> pd.DataFrame:
    """scores.parquet: the last scores of every question, and its place in the order of removal."""
    scores = pruning.scores
    order = pd.Series(np.arange(len(pruning.removed)), index=pruning.removed)
    scores.insert(0, "id", table.frame["id"].to_numpy()[scores["row"]])
    return scores.assign(removed_as=scores["row"].map(order)).drop(columns="row")


def describe(
    config: PruneConfig, inputs: Inputs, pruning: Pruning, exposure: list[TypeExposure]
) -> dict[str, Any]:
    """summary.json without ``judged`` and ``predictions``."""
    about = describe_diagnostic(config)
    return {
        "results_version": RESULTS_VERSION,
        "chooser": about["name"],
        "label": about["label"],
        "model": about["model"],
        "rank_by": config.prune.rank_by,
        "allocation": config.prune.allocation,
        "folds": {
            "k": config.fold.k, "seed": config.fold.seed, "repeats": config.fold.repeats,
            "group_by": config.fold.grouping(inputs.table.groups), "stratify": config.fold.stratify,
            "refresh": config.prune.refresh,
        },
        "data": describe_data(inputs.table),
        "pruning": describe_pruning(pruning, inputs.table, inputs.quotas, exposure),
    }  # fmt: skip
