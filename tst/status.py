"""``python -m tst.status``: what is finished, running, failed or missing, and how to complete it.

Examples::

    python -m tst.status
    python -m tst.status outputs_root=/scratch/outputs all=true
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from tst.cli.jobs import FINISHED, Outcome, run_command


@dataclass
class StatusConfig:
    """outputs_root: where the records are; all: also list finished ones."""

    outputs_root: str = "outputs"
    all: bool = False
    fail_fast: bool = False


def status_job(cfg: DictConfig) -> Outcome:
    """Print one line a record that is not finished, its command, and a count of all."""
    from pathlib import Path

    from tst.cli.console import show_states
    from tst.core.errors import UserError
    from tst.records.survey import survey

    config = OmegaConf.to_object(cfg)
    assert isinstance(config, StatusConfig)
    root = Path(config.outputs_root)
    if not root.is_dir():
        raise UserError(f"outputs_root={root}: no such folder.")
    show_states(survey(root), config.all)
    return Outcome(FINISHED, str(root))


def main() -> None:
    """Run the command and exit."""
    ConfigStore.instance().store(name="status_schema", node=StatusConfig)
    sys.exit(run_command("status", status_job, lambda outcomes: None))


if __name__ == "__main__":
    main()
