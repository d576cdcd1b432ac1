"""What a pruning would do and cost: ``dry_run=true``."""

from __future__ import annotations

from collections import Counter

from tst.config.schema import resolve_auto
from tst.pruning.allocation import Quotas
from tst.pruning.diagnosis import quiet
from tst.pruning.inputs import Inputs, read_inputs
from tst.pruning.record import prune_folder
from tst.pruning.settings import PruneConfig, PruneSettings
from tst.stress_test.run import plan_for

FOREST_SECONDS = 0.002
"""CPU seconds per question of one rf cross-validation (VSI-Bench, CV-Bench: 1.6 to 2 ms)."""


def describe(config: PruneConfig) -> str:
    """Questions, how many of each type are removed, iterations, cross-validations, an estimate.

    Reads what the pruning would read but loads no weights. Raises the pruning's UserErrors.
    """
    config = quiet(resolve_auto(config))
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
        *_quota_lines(quotas),
        f"choosing: {config.diagnostic.name}, {batches} iterations and the final state, "
        f"{len(choosing)} cross-validations of {config.fold.k} folds",
        f"judging: {_judge_line(config, judged)}",
        *_estimate_lines(config, inputs, sum(choosing), judged),
    ]
    folder = prune_folder(config, table, quotas)
    finished = len(list((folder / "iterations").glob("*.parquet")))
    lines.append(f"record: {folder} ({finished} cross-validations are finished)")
    return "\n".join(lines)


def _quota_lines(quotas: Quotas) -> list[str]:
    """How many questions of each type or format are removed, subject to the floors."""
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
    work = {judge: sum(lists) * _times(config.prune) for judge, lists in judged.items()}
    work[config.diagnostic.name] = work.get(config.diagnostic.name, 0) + choosing
    lines = []
    for name, questions in work.items():
        if name == "rf":
            minutes = questions * FOREST_SECONDS / config.n_jobs / 60
            lines.append(f"estimate of rf (rough): {minutes:.1f} min on {config.n_jobs} cores")
            continue
        from tst.diagnostics.llm.dry_run import describe_run

        own = config.diagnostic.name == "lora_llm"
        llm = config.diagnostic if own else config.judges["lora_llm"]
        lines.append(describe_run(frame, plan_for(config, inputs.table), llm, config.model,
                                  config.optimizer, config.device))  # fmt: skip
        runs = questions / (len(frame) * config.fold.repeats)
        lines.append(f"estimate of lora_llm (rough): {runs:.1f} times that run")
    return lines
