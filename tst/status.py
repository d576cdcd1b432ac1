"""``python -m tst.status``: what is finished, running, failed or missing, and how to complete it.

Examples::

    tst status
    tst status outputs_root=/scratch/outputs all=true
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.ranges import existing_folder


@dataclass
class StatusConfig:
    """outputs_root: where the records are; all: also list finished ones."""

    outputs_root: str = existing_folder("outputs")
    all: bool = False
    fail_fast: bool = False


def show_status(config: StatusConfig) -> Outcome:
    """Print a line per record that is not finished, its command, and a count of all."""
    from tst.cli.console import show_states
    from tst.records.record_states import survey

    show_states(survey(Path(config.outputs_root)), config.all)
    return Outcome(FINISHED)


COMMAND = Command("status", StatusConfig, show_status)
main = COMMAND.main

if __name__ == "__main__":
    main()
