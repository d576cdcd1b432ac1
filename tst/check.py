"""``python -m tst.check``: show how a file of questions is read, before anything is run.

Examples::

    tst check my.csv
    tst check my.xlsx benchmark.sheet=Questions benchmark.columns.answer=gold
    tst check benchmark=vsi_bench data_root=DIR
"""

from __future__ import annotations

import sys

from tst.cli.command import Command
from tst.cli.command_line import as_typed
from tst.cli.console_script import names_a_command
from tst.cli.outcomes import FINISHED, Outcome
from tst.config.problems import find_problems
from tst.config.schema import RunConfig
from tst.core.errors import UserError


def check(config: RunConfig) -> Outcome:
    """Print how a benchmark's source is read, and how to run it.

    Raises UserError with the command that would run it, where the source needs more settings.
    """
    from hydra.core.hydra_config import HydraConfig

    from tst.benchmarks.load import load_benchmark
    from tst.benchmarks.understanding.describe import whole_text

    overrides, path = HydraConfig.get().overrides.task, config.benchmark.path
    audit = as_typed("audit", overrides, path)
    try:
        table = load_benchmark(config.benchmark, config.data_root)
    except UserError as error:
        if not error.settings:
            raise
        completed = as_typed("audit", [*overrides, *error.settings], path)
        raise UserError(f"{error}\nrun it\n  {completed}") from error
    if table.understanding is None:
        print(f"{table.name}: {len(table.frame)} generated questions ({table.source})")
        print(f"\nrun it\n  {audit}")
    else:
        print(whole_text(table.name, table.understanding, audit))
    return Outcome(FINISHED)


COMMAND = Command("check", RunConfig, check, find_problems)


def main() -> None:
    """Check the file that the first word names, or the benchmark of ``benchmark=``."""
    if names_a_command(sys.argv[1:]):
        sys.argv[1] = f"benchmark={sys.argv[1]}"
    COMMAND.main()


if __name__ == "__main__":
    main()
