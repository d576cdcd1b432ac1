"""One pruning from a typed config to a finished record; what the command calls."""

from __future__ import annotations

import gc
import logging
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.benchmarks.questions import GROUP_PREFIX, QuestionTable
from tst.config import PruneConfig, RunConfig, resolve_auto, to_plain, to_yaml
from tst.diagnostics.build import build_diagnostic, without_explanations
from tst.diagnostics.llm.settings import model_slug
from tst.pruning.algorithm import Iteration, Pruning, Rules, prune
from tst.pruning.card import write_card
from tst.pruning.diagnosis import Examiner
from tst.pruning.export import write_benchmark
from tst.pruning.figures import write_figures
from tst.pruning.inputs import Inputs, read_inputs
from tst.pruning.judging import (
    NOTHING,
    OURS,
    RANDOM,
    Removal,
    draw_at_random,
    find_left_out,
    judge_removals,
    rediagnose,
)
from tst.pruning.predictions.gaps import compare_gaps
from tst.pruning.progress import watching
from tst.pruning.record import (
    describe_pruning,
    judged_folder,
    prune_folder,
    require_alone,
    scores_path,
    write_finished,
    write_ids,
    write_iterations,
    written_iterations,
)
from tst.records.environment import describe_environment
from tst.records.files import write_parquet
from tst.records.identity import identity_leaves
from tst.records.record import Record
from tst.records.store import FolderStore
from tst.results import bootstrap_units, describe_data
from tst.running import log_file, noted_failure, plan_for
from tst.tracking.beside import describe_source, published

log = logging.getLogger("tst")

Blind = dict[str, pd.Series]

TOLD = ("tau", "rank_by", "allocation", "floor", "refresh", "judge", "judge_seeds", "judge_folds",
        "random_draws")  # fmt: skip
"""Settings of the pruning that W&B shows; the others hold paths."""


def run_pruning(config: PruneConfig) -> tuple[Path, dict[str, Any]]:
    """Prune, judge and write the record; returns its folder and summary.json.

    What an interrupted run finished is not computed again. Raises UserError for anything the user
    can mend, before a model is loaded.
    """
    config = quiet(resolve_auto(config))
    inputs = read_inputs(config)
    with Record(prune_folder(config, inputs.table, inputs.quotas)) as record:
        require_alone(record)
        record.write_settings(to_yaml(config), describe_environment())
        with log_file(record), shown(config, inputs, record.path), noted_failure(record):
            record.write_status("running")
            pruning = choose(config, inputs, record.path)
            write_ids(record.path, inputs.table.frame["id"].to_numpy(), pruning)
            write_parquet(record.path / "scores.parquet", named_scores(inputs.table, pruning))
            write_benchmark(record.path / "benchmark", inputs.source, pruning)
            write_figures(record.path / "figures", inputs.table.frame, pruning)
            summary = describe(config, inputs, pruning)
            summary |= weigh(config, inputs, pruning)
            write_card(record.path / "benchmark" / "README.md", inputs.table, summary)
            write_finished(record, summary)
    return record.path, summary


def shown(config: PruneConfig, inputs: Inputs, record: Path) -> AbstractContextManager[None]:
    """Weights & Biases, beside the pruning, where it is asked for."""
    source = describe_source(inputs.table)
    leaves = identity_leaves(to_plain(config), config.fold.grouping(inputs.table.groups))
    rules = {field: getattr(config.prune, field) for field in TOLD}
    rules |= {"budget": inputs.quotas.budget, "batch": inputs.quotas.batch}
    leaves |= {f"prune.{field}": value for field, value in rules.items()}
    return published(config.tracking, record, Path(config.outputs_root), leaves, source)


def quiet(config: RunConfig) -> PruneConfig:
    """A copy whose chooser explains nothing and keeps no adapters."""
    silent = without_explanations(config)
    assert isinstance(silent, PruneConfig)
    return silent


def choose(config: PruneConfig, inputs: Inputs, folder: Path) -> Pruning:
    """Run the loop, or what is left of it; iterations.csv grows with it."""
    settings, fold, table = config.prune, config.fold, inputs.table
    seeds = list(range(fold.seed, fold.seed + fold.repeats))
    group_by = fold.grouping(table.groups)
    groups = None if group_by is None else table.frame[GROUP_PREFIX + group_by].to_numpy()
    rules = Rules(
        inputs.quotas, settings.rank_by, settings.tau, seeds, settings.refresh, groups, fold.k
    )
    log.info(
        "%s: removing up to %d of %d questions, %d an iteration",
        table.name, inputs.quotas.budget, len(table.frame), inputs.quotas.batch,
    )  # fmt: skip
    examiner = make_examiner(config, inputs, group_by)
    done: list[Iteration] = []
    written = written_iterations(folder)

    def examine(iteration: int, rows: np.ndarray, seed: int) -> pd.DataFrame:
        return examiner.examine(rows, seed, scores_path(folder, iteration, seed))

    with watching(inputs.quotas.budget, inputs.quotas.batch, settings.refresh) as watch:

        def follow(iteration: Iteration, removed: int) -> None:
            done.append(iteration)
            if len(done) > written:  # whoever reads the file sees it grow
                write_iterations(folder, done)
            watch(iteration, removed)

        return prune(table.frame["id"].to_numpy(), rules, examine, follow)


def make_examiner(config: PruneConfig, inputs: Inputs, group_by: str | None) -> Examiner:
    """The config's diagnostic, ready to diagnose any part of the table."""
    store = FolderStore(Path(config.outputs_root) / "cache", Path(config.outputs_root) / "adapters")
    diagnostic = build_diagnostic(config, store)
    frame, inclusive = inputs.table.frame, config.scoring.mra_inclusive
    return Examiner(diagnostic, frame, config.fold.k, group_by, inclusive)


def named_scores(table: QuestionTable, pruning: Pruning) -> pd.DataFrame:
    """scores.parquet: every question's scores when it was last diagnosed, and when it went."""
    scores = pruning.scores
    order = pd.Series(np.arange(len(pruning.removed)), index=pruning.removed)
    scores.insert(0, "id", table.frame["id"].to_numpy()[scores["row"]])
    return scores.assign(removed_as=scores["row"].map(order)).drop(columns="row")


def describe(config: PruneConfig, inputs: Inputs, pruning: Pruning) -> dict[str, Any]:
    """summary.json without the judgement."""
    uses_model = config.diagnostic.name == "lora_llm"
    return {
        "chooser": config.diagnostic.name,
        "model": model_slug(config.model) if uses_model else "",
        "rank_by": config.prune.rank_by,
        "allocation": config.prune.allocation,
        "folds": {
            "k": config.fold.k, "seed": config.fold.seed, "repeats": config.fold.repeats,
            "group_by": config.fold.grouping(inputs.table.groups), "refresh": config.prune.refresh,
        },
        "data": describe_data(inputs.table),
        "pruning": describe_pruning(pruning, inputs.table, inputs.quotas),
    }  # fmt: skip


def weigh(config: PruneConfig, inputs: Inputs, pruning: Pruning) -> dict[str, Any]:
    """What the pruning bought: ``judged`` by judge and fold scheme, ``predictions`` by model.

    Where several judge, blind is the score of one that did not choose. None that left out a list
    gives it.
    """
    frame = inputs.table.frame
    types = frame["question_type"].to_numpy()
    removals = {NOTHING: Removal(np.array([], dtype=np.int64))}
    removals[OURS] = Removal(pruning.removed, config.diagnostic.name)
    removals |= inputs.compare
    for draw in range(config.prune.random_draws):
        removals[f"{RANDOM} {draw}"] = Removal(draw_at_random(types, pruning.removed, draw))
    chooser = config.diagnostic.name
    judged: list[dict[str, Any]] = []
    blind: Blind | None = None
    blind_by = ""
    for name in config.prune.judges():
        for scheme in config.prune.judge_folds:
            entry, scores = judge(config, inputs, removals, name, scheme)
            judged.append(entry)
            whole = "left_out" not in entry
            if whole and (blind is None or blind_by == chooser != name):
                blind, blind_by = {key: part["hard"] for key, part in scores.items()}, name
    ids = frame["id"].to_numpy()
    predictions: dict[str, Any] = {}
    for name, answers in inputs.vision.items():
        independent = blind_by != chooser
        unseen, by = blind, f"judge {blind_by}{' (not independent)' * (not independent)}"
        entry = {"vision_answers": answers.describe(ids)}
        if name in inputs.blind:
            own = inputs.blind[name]
            unseen, by = dict.fromkeys(removals, own.scores["score"]), "own answers"
            independent = True
            entry["blind_answers"] = own.describe(ids)
        entry["blind"] = by if unseen is not None else "not known"
        entry |= compare_gaps(answers.scores["score"], unseen, removals, frame, independent)
        predictions[name] = entry
    return {"judged": judged, "predictions": predictions}


def judge(
    config: PruneConfig, inputs: Inputs, removals: dict[str, Removal], name: str, scheme: str
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """One judge re-diagnoses what every list leaves, with folds of one scheme.

    A list that leaves too little for the folds is left out, and ``left_out`` of the entry says why.
    """
    group_by = inputs.table.groups[0] if scheme == "grouped" else None
    fold = replace(config.fold, seed=0, repeats=1, group_by=group_by)
    judging = quiet(replace(config, diagnostic=config.judges[name], fold=fold))
    folder = judged_folder(judging, inputs.table)
    examiner = make_examiner(judging, inputs, group_by)
    plan = plan_for(judging, inputs.table)
    what = "questions" if group_by is None else f"groups ({group_by})"
    left_out = find_left_out(removals, plan.units, plan.k, what)
    for list_name, reason in left_out.items():
        log.warning("%s (%s folds) leaves out %s: %s", name, scheme, list_name, reason)
    scores = {}
    for number, (list_name, removal) in enumerate(removals.items(), start=1):
        if list_name in left_out:
            continue
        scores[list_name] = rediagnose(examiner, removal.rows, config.prune.judge_seeds, folder)
        log.info(
            "%s (%s folds) on what %s leaves, %d of %d: score %.1f",
            name, scheme, list_name, number, len(removals), 100 * scores[list_name]["hard"].mean(),
        )  # fmt: skip
    units = bootstrap_units(inputs.table, plan)
    entry = judge_removals(scores, removals, inputs.table.frame, units, name)
    entry |= {
        "judge": name, "folds": scheme, "seeds": config.prune.judge_seeds, "group_by": group_by
    }  # fmt: skip
    if left_out:
        entry["left_out"] = left_out
    if name == "lora_llm":
        entry["model"] = model_slug(config.model)
    del examiner
    gc.collect()
    return entry, scores
