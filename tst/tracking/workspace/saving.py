"""Send the workspace to W&B; the second time the same one is rewritten."""

from __future__ import annotations

import os
from pathlib import Path

import wandb
import wandb_workspaces.workspaces as ws

from tst.core.errors import UserError
from tst.records.files import read_json, write_json

NO_KEY = (
    "no W&B key on this machine: run `wandb login`, or set WANDB_API_KEY. "
    "`dry_run=true` prints the definition without one."
)


def require_key() -> None:
    """UserError unless a key is found; nothing is prompted for, nothing is sent."""
    os.environ["WANDB_SILENT"] = "true"
    try:
        found = bool(wandb.login(prompt=False, verify=False))
    except wandb.Error as error:
        raise UserError(f"the W&B key cannot be used: {error}") from error
    if not found:
        raise UserError(NO_KEY)


def own_entity() -> str:
    """The key's default user or team."""
    entity = wandb.Api(timeout=20).default_entity
    if not entity:
        raise UserError("W&B names no default entity for this key: pass entity=NAME.")
    return str(entity)


def save_workspace(workspace: ws.Workspace, outputs_root: Path) -> str:
    """Save it, over the one that this outputs folder knows of; its address."""
    known = outputs_root / "wandb" / "workspace.json"
    place = f"{workspace.entity}/{workspace.project}/{workspace.name}"
    saved = read_json(known) if known.exists() else {}
    if place in saved:
        kept = ws.Workspace.from_url(saved[place])
        kept.sections = workspace.sections
        kept.settings = workspace.settings
        kept.runset_settings = workspace.runset_settings
        workspace = kept
    url = str(workspace.save().url)
    write_json(known, {**saved, place: url})
    return url
