"""What a user can set for ``tracking=wandb``; imports no wandb."""

from __future__ import annotations

from dataclasses import dataclass, field

NAMES = ("none", "wandb")
MODES = ("auto", "online", "offline")


@dataclass
class TrackingSettings:
    """Where runs are shown beside their records.

    name: none or wandb
    entity: W&B user or team; null: the key's own
    group: W&B group; null: the sweep the job belongs to
    mode: online, offline, or auto: online where a W&B key is found
    log_text: let texts (questions, options, answers, generated text) leave the machine
    artifacts: upload the record's files as an artifact (they hold texts: needs log_text)
    table_rows: questions in the table, those with the highest s; 0: no table
    timeout: seconds that W&B may take to answer, at the start and at the end
    """

    name: str = "none"
    project: str = "tst"
    entity: str | None = None
    group: str | None = None
    tags: list[str] = field(default_factory=list)
    mode: str = "auto"
    log_text: bool = False
    artifacts: bool = False
    table_rows: int = 200
    timeout: float = 15.0


def find_tracking_problems(settings: TrackingSettings) -> list[str]:
    """What is wrong with the settings, each with its fix."""
    problems = [
        f"{key}={value}: expected one of {', '.join(known)}."
        for key, value, known in (
            ("tracking", settings.name, NAMES),
            ("tracking.mode", settings.mode, MODES),
        )
        if value not in known
    ]
    if settings.artifacts and not settings.log_text:
        problems.append(
            "tracking.artifacts=true: a record's files hold the questions' texts; "
            "add tracking.log_text=true, or leave artifacts out."
        )
    if settings.table_rows < 0:
        problems.append(f"tracking.table_rows={settings.table_rows}: 0 for none, or more.")
    if settings.timeout <= 0:
        problems.append(f"tracking.timeout={settings.timeout}: a number of seconds above 0.")
    if any(not 1 <= len(tag) <= 64 for tag in settings.tags):
        problems.append(f"tracking.tags={settings.tags}: each tag has 1 to 64 characters.")
    return problems
