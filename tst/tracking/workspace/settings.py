"""What a user can set for ``python -m tst.dashboard``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class DashboardConfig:
    """Where the workspace stands and what it is made for.

    entity: W&B user or team; null: the key's own
    outputs_root: the question types of the records under it get panels
    folds: fold curves shown
    dry_run: print the definition and stop; needs no key
    """

    project: str = "tst"
    entity: str | None = None
    name: str = "TsT"
    outputs_root: str = "outputs"
    folds: int = 5
    dry_run: bool = False
    fail_fast: bool = False
