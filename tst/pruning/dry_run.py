"""What a pruning would do and cost: ``dry_run=true``."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tst.pruning.allocation import Quotas
from tst.pruning.inputs import Inputs, read_inputs
from tst.pruning.record import prune_folder
from tst.pruning.settings import PruneConfig, PruneSettings
from tst.records.store import FolderStore
from tst.stress_testing.build import (
    build_diagnostic,
    diagnostic_of,
    predictions_alone,
    resolve_auto,
)
from tst.stress_testing.run import plan_for


def describe(config: PruneConfig) -> str:
    """Questions, how many of each type are removed, iterations, cross-validations, an estimate.

    Reads what the pruning would read but loads no weights. Raises the pruning's UserErrors.
    """
    config = predictions_alone(resolve_auto(config))
    inputs = read_inputs(config)
    table, quotas = inputs.table, inputs.quotas
    n, refresh = len(table.frame), config.prune.refresh
    batches = -(-quotas.budget // quotas.batch)
    left = [max(n - quotas.budget, n - done * quotas.batch) for done in range(batches + 1)]
    choosing = [n] * (config.fold.repeats - refresh) + [
        size for size in left for _ in range(refresh)
    ]
    judged = _judged_sizes(config, inputs)
    lines = [
        f"{table.name}: {n} questions of {table.rows_read} rows, {quotas.budget} to remove, "
        f"{quotas.batch} per iteration",
        *_quota_lines(quotas, config.prune.of_exposed_types()),
        f"choosing: {config.diagnostic.name}, {batches} iterations and the final state, "
        f"{len(choosing)} cross-validations of {config.fold.k} folds",
        f"judging: {_judge_line(config, judged)}",
        *_estimate_lines(config, inputs, sum(choosing), judged),
    ]
    folder = prune_folder(config, table, quotas)
    finished = len(list((folder / "iterations").glob("*.parquet")))
    lines.append(f"record: {folder} ({finished} cross-validations are finished)")
    return "\n".join(lines)


def _quota_lines(quotas: Quotas, of_exposed_types: bool) -> list[str]:
    """How many questions of each type or format are removed, subject to the floors."""
    if of_exposed_types:
        return [
            "  at most: only types that the first diagnosis finds exposed lose questions "
            "(prune.types=all: all types)"
        ]
    sizes = Counter(quotas.strata)
    if len(sizes) == 1:
        return [
            f"the highest ranked of all types; no type falls below {max(quotas.floors.values())}"
        ]
    return [f"  {name}: {count} of {sizes[name]}" for name, count in quotas.removable.items()]


def _judged_sizes(config: PruneConfig, inputs: Inputs) -> dict[str, list[int]]:
    """Judge -> the number of questions of every list that it diagnoses."""
    settings, n = config.prune, len(inputs.table.frame)
    lists = [n, *[n - len(removal.rows) for removal in inputs.compare.values()]]
    left = n - inputs.quotas.budget
    return {judge: lists + [left] * (1 + settings.draws(judge)) for judge in settings.judges()}


def _judge_line(config: PruneConfig, judged: dict[str, list[int]]) -> str:
    settings = config.prune
    if not judged:
        return "none (prune.judge)"
    folds = f"{' and '.join(settings.judge_folds)} folds"
    shown = " and ".join(f"{judge} ({len(lists)} lists)" for judge, lists in judged.items())
    runs = sum(map(len, judged.values())) * _times(settings)
    return f"{shown}, {folds}, seeds {settings.judge_seeds}: {runs} cross-validations"


def _times(settings: PruneSettings) -> int:
    """How many cross-validations a judge runs per list."""
    return len(settings.judge_folds) * len(settings.judge_seeds)


def _estimate_lines(
    config: PruneConfig, inputs: Inputs, choosing: int, judged: dict[str, list[int]]
) -> list[str]:
    """How much work it is.

    choosing: total number of questions over the chooser's cross-validations
    judged: ``_judged_sizes``
    """
    frame = inputs.table.frame
    chooser = config.diagnostic.name
    work = {judge: sum(lists) * _times(config.prune) for judge, lists in judged.items()}
    work[chooser] = work.get(chooser, 0) + choosing
    settings = config.judges | {chooser: config.diagnostic}
    lines = []
    for name, questions in work.items():
        diagnosing = resolve_auto(replace(config, diagnostic=settings[name]))
        if seconds := diagnostic_of(diagnosing).cpu_seconds:
            minutes = questions * seconds / config.n_jobs / 60
            lines.append(f"estimate of {name} (rough): {minutes:.1f} min on {config.n_jobs} cores")
            continue
        diagnostic = build_diagnostic(diagnosing, FolderStore.under(config.outputs_root))
        told = diagnostic.describe(frame, plan_for(config, inputs.table), None)
        runs = questions / (len(frame) * config.fold.repeats)
        times = f"{runs:.1f} times that run" if told else f"{runs:.1f} runs over all questions"
        lines += filter(None, [told, f"estimate of {name} (rough): {times}"])
    return lines
