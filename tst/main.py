"""``python -m tst.main``, or ``tst``: run stress tests.

Examples::

    tst diagnostic=rf
    tst diagnostic=rf benchmark=vsi_bench benchmark.path=FILE fold=grouped5
    tst -m benchmark=video_mme,mmmu model=gemma2b,mistral7b
"""

from __future__ import annotations

import logging
from typing import Any

from tst.cli.command import Command, jobs_run_side_by_side
from tst.cli.endings import in_sweep
from tst.cli.outcomes import FINISHED, PARTIAL, Outcome
from tst.config.problems import find_problems
from tst.config.schema import RunConfig
from tst.config.unread import without_effect
from tst.core.folds import describe_scheme

log = logging.getLogger("tst")


def stress_test(config: RunConfig) -> Outcome:
    """Run one stress test and print its tables."""
    from hydra.core.hydra_config import HydraConfig

    from tst.cli.console import show_to_mend, show_verdict
    from tst.cli.summary_console import show_summary
    from tst.cli.tables import standard_output
    from tst.external_training.llamafactory import (
        is_trained_elsewhere,
        run_with_llamafactory,
        trained_here,
    )
    from tst.stress_testing.run import describe, run

    if config.n_jobs == -1 and jobs_run_side_by_side():
        config.n_jobs = config.job.cpus
    for sentence in without_effect(config, HydraConfig.get().overrides.task):
        log.info("%s", sentence)
    elsewhere = is_trained_elsewhere(config)
    if config.dry_run:
        print(describe(trained_here(config) if elsewhere else config))
        return Outcome(FINISHED)
    result = run_with_llamafactory(config) if elsewhere else run(config)
    if not in_sweep():
        console = standard_output()
        show_summary(result.summary, console)
        show_verdict(result.summary, console)
        if result.complete:
            show_to_mend(result.record, result.to_mend, console)
        else:
            folds = result.summary["folds"]
            print(f"\n{folds['finished']} of {folds['planned']} folds are finished: "
                  "the figures are of those alone, and no summary is written yet")  # fmt: skip
    state = FINISHED if result.complete else PARTIAL
    return Outcome(state, str(result.record), row=sweep_row(config, result.summary))


def sweep_row(config: RunConfig, summary: dict[str, Any]) -> dict[str, Any]:
    """A job's line in the table of its sweep, the most important figures first."""
    overall = summary["overall"]
    folds = summary["folds"]
    return {
        "benchmark": summary["data"]["benchmark"],
        "diagnostic": config.diagnostic.name,
        "model": summary["diagnostic"]["model"],
        "folds": describe_scheme(folds["k"], folds["group_by"], folds["stratify"]),
        "n": overall["n"],
        "score": overall["score_hard"],
        "baseline": overall["baseline"],
        "adjusted": overall["adjusted_hard"],
        "majority": overall["majority"],
        "soft": overall["score_soft"],
        "zero-shot (soft)": overall["zero_shot_soft"],
        "delta (soft)": overall["delta_soft"],
    }


COMMAND = Command("main", RunConfig, stress_test, find_problems, config="config")
main = COMMAND.main

if __name__ == "__main__":
    main()
