"""``python -m tst.score``: a record from adapters or predictions that were made elsewhere.

Examples::

    tst score folds
    tst score folds/adapters fold.only=[0]
    tst score predictions=answers.jsonl benchmark=vsi_bench fold=grouped5 trainer=gpt41
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from tst.cli.command import Command
from tst.cli.command_line import quoted
from tst.cli.console_script import names_a_command
from tst.cli.endings import in_sweep
from tst.cli.outcomes import FINISHED, PARTIAL, Outcome
from tst.external_training.settings import ScoreConfig, find_score_problems


def score(config: ScoreConfig) -> Outcome:
    """Score what was trained elsewhere and print the record's tables."""
    from tst.cli.console import show_to_mend, show_verdict
    from tst.cli.summary_console import show_summary
    from tst.cli.tables import standard_output
    from tst.external_training.score import score_elsewhere

    result = score_elsewhere(config)
    if not in_sweep():
        console = standard_output()
        print(result.summary["diagnostic"]["label"])
        show_summary(result.summary, console)
        show_verdict(result.summary, console)
        if result.complete:
            show_to_mend(result.record, result.to_mend, console)
    return Outcome(FINISHED if result.complete else PARTIAL, str(result.record))


def complete(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Take the manifest's settings, where there is one."""
    from tst.external_training.score import take_manifest

    take_manifest(cfg, overrides)


COMMAND = Command("score", ScoreConfig, score, find_score_problems, complete=complete)


def main() -> None:
    """Score the folder that the first word names, or what ``adapters=``, ``predictions=`` name."""
    words = sys.argv[1:]
    if words and (names_a_command(words) or Path(words[0]).is_dir()):
        sys.argv[1] = f"adapters={quoted(words[0])}"
    COMMAND.main()


if __name__ == "__main__":
    main()
