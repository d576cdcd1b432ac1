"""``python -m tst.prune``: remove what is answered without looking, and judge what that bought.

Examples::

    python -m tst.prune diagnostic=rf benchmark=vsi_bench benchmark.path=FILE prune.budget=0.2
    python -m tst.prune benchmark=mmmu model=qwen2_7b prune.budget=100 prune.allocation=global
    python -m tst.prune diagnostic=rf prune.judge=lora_llm 'prune.predictions={gpt41: [a.xlsx]}'
"""

from __future__ import annotations

import sys

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from tst.cli.jobs import FINISHED, Outcome, run_command
from tst.config.composition import typed
from tst.main import show_sweep
from tst.pruning.settings import PruneConfig, find_pruning_problems

WIDTH = 128
"""Columns of a terminal that the table of judges takes."""


def prune_job(cfg: DictConfig) -> Outcome:
    """Prune one benchmark, print what it bought, and say what became of it."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from tst.cli.console import wide_console
    from tst.cli.pruning_console import show_pruning, sweep_row
    from tst.pruning.dry_run import describe
    from tst.pruning.run import run_pruning

    config = typed(cfg, PruneConfig, find_pruning_problems)
    if config.dry_run:
        print(describe(config))
        return Outcome(FINISHED)
    path, summary = run_pruning(config)
    if HydraConfig.get().mode == RunMode.RUN:
        show_pruning(summary, wide_console(WIDTH))
        print(f"record: {path}")
    return Outcome(FINISHED, str(path), row=sweep_row(summary))


def register_schema() -> None:
    """Tell Hydra the schema that conf/prune.yaml names."""
    ConfigStore.instance().store(name="prune_schema", node=PruneConfig)


def main() -> None:
    """Console script ``tst-prune``."""
    register_schema()
    sys.exit(run_command("prune", prune_job, show_sweep))


if __name__ == "__main__":
    main()
