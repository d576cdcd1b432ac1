"""``python -m tst.dashboard``: write the W&B project's workspace.

Examples::

    tst dashboard
    tst dashboard project=tst entity=my-team
    tst dashboard dry_run=true
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.errors import UserError


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


def write_dashboard(config: DashboardConfig) -> Outcome:
    """Build the workspace, print it or send it, and say where it is."""
    try:
        import wandb_workspaces  # noqa: F401
    except ImportError as error:
        raise UserError(
            "the workspace needs wandb-workspaces: pip install 'tst-stress-test[wandb]'"
        ) from error
    import wandb

    from tst.tracking.workspace.definition import build_workspace
    from tst.tracking.workspace.saving import own_entity, require_key, save_workspace

    types = question_types(Path(config.outputs_root))
    if config.dry_run:
        entity = config.entity or "ENTITY"
        workspace = build_workspace(entity, config.project, config.name, types, config.folds)
        print(workspace._to_model().model_dump_json(by_alias=True, exclude_none=True, indent=2))
        return Outcome(FINISHED)
    require_key()
    try:
        entity = config.entity or own_entity()
        workspace = build_workspace(entity, config.project, config.name, types, config.folds)
        url = save_workspace(workspace, Path(config.outputs_root))
    except (wandb.Error, OSError, ValueError) as error:
        raise UserError(f"W&B did not take the workspace: {error}") from error
    print(url)
    return Outcome(FINISHED)


def question_types(outputs_root: Path) -> dict[str, list[str]]:
    """Question types by benchmark, of the finished records, the highest adjusted score first.

    Planted ones where there are none.
    """
    from tst.benchmarks.planted import CUES
    from tst.records.run_records import find_records

    found: dict[str, dict[str, float]] = {}
    for record in find_records(outputs_root).records:
        highest = found.setdefault(record.benchmark, {})
        for name, part in record.summary["per_type"].items():
            adjusted = part["adjusted_hard"]
            known = -math.inf if adjusted is None else float(adjusted)
            highest[name] = max(highest.get(name, -math.inf), known)
    ranked = {
        benchmark: sorted(highest, key=lambda name: (-highest[name], name))
        for benchmark, highest in sorted(found.items())
    }
    return ranked or {"planted": list(CUES)}


COMMAND = Command("dashboard", DashboardConfig, write_dashboard)
main = COMMAND.main

if __name__ == "__main__":
    main()
