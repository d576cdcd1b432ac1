"""``python -m tst.main``: run stress tests.

Examples::

    python -m tst.main diagnostic=rf
    python -m tst.main diagnostic=rf benchmark=vsi_bench benchmark.path=FILE fold=grouped5
    python -m tst.main -m benchmark=video_mme,mmmu model=gemma2b,mistral7b
"""

from __future__ import annotations

import sys
from typing import Any

from omegaconf import DictConfig

from tst.cli.jobs import FINISHED, PARTIAL, Outcome, run_command
from tst.config.composition import typed
from tst.config.problems import find_problems
from tst.config.schema import RunConfig
from tst.core.folds import describe_scheme
from tst.diagnostics.llm.settings import model_slug


def stress_test_job(cfg: DictConfig) -> Outcome:
    """Run one stress test, print its tables, and say what became of it."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from tst.cli.console import show_most_biased, show_summary, wide_console
    from tst.stress_test.run import describe, run

    config = typed(cfg, RunConfig, find_problems)
    hydra = HydraConfig.get()
    if config.n_jobs == -1 and not hydra.launcher._target_.endswith("BasicLauncher"):
        config.n_jobs = config.job.cpus  # other jobs run beside this one
    if config.dry_run:
        print(describe(config))
        return Outcome(FINISHED)
    result = run(config)
    console = wide_console()
    if hydra.mode == RunMode.RUN:
        show_summary(result.summary, console)
        show_most_biased(result.questions, console)
        if not result.complete:
            folds = result.summary["folds"]
            print(f"\n{folds['finished']} of {folds['planned']} folds are finished: "
                  "the figures are of those alone, and no summary is written yet")  # fmt: skip
        print(f"record: {result.record}")
    state = FINISHED if result.complete else PARTIAL
    return Outcome(state, str(result.record), row=sweep_row(config, result.summary))


def sweep_row(config: RunConfig, summary: dict[str, Any]) -> dict[str, Any]:
    """A job's line in the table of its sweep."""
    overall = summary["overall"]
    uses_model = config.diagnostic.name == "lora_llm"
    folds = summary["folds"]
    return {
        "benchmark": summary["data"]["benchmark"],
        "diagnostic": config.diagnostic.name,
        "model": model_slug(config.model) if uses_model else "",
        "folds": describe_scheme(folds["k"], folds["group_by"], folds["stratify"]),
        "n": overall["n"],
        "score": overall["score_hard"],
        "soft": overall["score_soft"],
        "zero-shot": overall["zero_shot_soft"],
        "delta": overall["delta_soft"],
        "baseline": overall["baseline"],
        "majority": overall["majority"],
        "adjusted": overall["adjusted"],
    }


def show_sweep(outcomes: list[tuple[str, Outcome]]) -> None:
    """One table over all jobs, a ``record:`` line each, and the names of those that failed."""
    from tst.cli.console import show_jobs, wide_console

    rows = [
        {"job": str(number), "state": outcome.state, **outcome.row}
        for number, (_, outcome) in enumerate(outcomes)
    ]
    show_jobs(rows, wide_console(140))
    for number, (overrides, outcome) in enumerate(outcomes):
        if outcome.error:
            print(f"job {number} {outcome.state}: {overrides}: {outcome.error}", file=sys.stderr)
        elif outcome.record:
            print(f"record: {outcome.record}")


def main() -> None:
    """Console script ``tst``."""
    sys.exit(run_command("config", stress_test_job, show_sweep))


if __name__ == "__main__":
    main()
