"""``python -m tst.prune``: remove what is answered without looking, and judge what is left.

Examples::

    tst prune diagnostic=rf benchmark=vsi_bench benchmark.path=FILE prune.budget=0.2
    tst prune benchmark=mmmu model=qwen2_7b prune.budget=100 prune.allocation=global
    tst prune diagnostic=rf prune.judge=lora_llm 'prune.predictions={gpt41: [a.xlsx]}'
"""

from __future__ import annotations

from tst.cli.command import Command
from tst.cli.endings import in_sweep
from tst.cli.outcomes import FINISHED, Outcome
from tst.pruning.settings import PruneConfig, add_judges, find_pruning_problems


def prune(config: PruneConfig) -> Outcome:
    """Prune one benchmark and print what is left of it."""
    from tst.cli.pruning_console import show_pruning, sweep_row
    from tst.cli.tables import standard_output
    from tst.pruning.dry_run import describe
    from tst.pruning.run import run_pruning

    if config.dry_run:
        print(describe(config))
        return Outcome(FINISHED)
    path, summary = run_pruning(config)
    if not in_sweep():
        show_pruning(summary, path, standard_output())
    return Outcome(FINISHED, str(path), row=sweep_row(summary))


COMMAND = Command("prune", PruneConfig, prune, find_pruning_problems, complete=add_judges)
main = COMMAND.main

if __name__ == "__main__":
    main()
