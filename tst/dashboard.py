"""``python -m tst.dashboard``: write the W&B project's workspace.

Examples::

    python -m tst.dashboard
    python -m tst.dashboard project=tst entity=my-team
    python -m tst.dashboard dry_run=true
"""

from __future__ import annotations

import sys
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from tst.cli.jobs import FINISHED, Outcome, run_command
from tst.core.errors import UserError
from tst.tracking.workspace.settings import DashboardConfig


def dashboard_job(cfg: DictConfig) -> Outcome:
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

    config = OmegaConf.to_object(cfg)
    assert isinstance(config, DashboardConfig)
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
    return Outcome(FINISHED, url)


def question_types(outputs_root: Path) -> dict[str, list[str]]:
    """Question types by benchmark, of the finished records; planted ones where there are none."""
    from tst.benchmarks.planted import CUES
    from tst.records.verified import find_records

    found: dict[str, set[str]] = {}
    for record in find_records(outputs_root).records:
        found.setdefault(record.benchmark, set()).update(record.summary["per_type"])
    return {b: sorted(names) for b, names in sorted(found.items())} or {"planted": list(CUES)}


def main() -> None:
    """Run the command and exit."""
    ConfigStore.instance().store(name="dashboard_schema", node=DashboardConfig)
    sys.exit(run_command("dashboard", dashboard_job, lambda outcomes: None))


if __name__ == "__main__":
    main()
