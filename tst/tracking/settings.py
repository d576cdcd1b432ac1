"""What a user can set for ``tracking=wandb``; imports no wandb."""

from __future__ import annotations

from dataclasses import dataclass

from tst.core.ranges import bounded, expecting, one_of

NAMES = ("none", "wandb")
MODES = ("auto", "online", "offline")


@dataclass
class TrackingSettings:
    """Where else runs are shown than in their records.

    name: none or wandb
    entity: W&B user or team; null: the key's own
    group: W&B group; null: the sweep the job belongs to
    mode: online, offline, or auto: online where a W&B key is found
    log_text: let texts (questions, options, answers, generated text) leave the machine
    artifacts: upload the record's files as an artifact (they hold texts: needs log_text)
    table_rows: questions in the table, those with the highest s; 0: no table
    timeout: seconds that W&B may take to answer, at the start and at the end
    """

    name: str = one_of("none", NAMES)
    project: str = "tst"
    entity: str | None = None
    group: str | None = None
    tags: list[str] = expecting(
        [], "tags of 1 to 64 characters", lambda tags: all(1 <= len(tag) <= 64 for tag in tags)
    )
    mode: str = one_of("auto", MODES)
    log_text: bool = False
    artifacts: bool = False
    table_rows: int = bounded(200, at_least=0, note="0: no table")
    timeout: float = bounded(15.0, above=0, note="seconds")


def find_conflicts(settings: TrackingSettings) -> list[str]:
    """Settings that cannot go together, each with the fix."""
    if settings.artifacts and not settings.log_text:
        return [
            "tracking.artifacts=true: a record's files hold the questions' texts; "
            "add tracking.log_text=true, or leave artifacts out."
        ]
    return []
