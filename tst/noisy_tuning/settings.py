"""What a user can set of the noisy-tuning experiment's data, as plain dataclasses.

Imports neither torch nor transformers: the configuration schema reads this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tst.benchmarks.settings import HubSettings

FORMATS = ("auto", "alpaca", "messages", "preference")
CORRUPTIONS = ("shuffled", "random", "rejected")
SCHEDULES = ("plain", "probe")


@dataclass
class PairColumns:
    """Which source column holds what; ``a.b`` reaches into a nested column.

    alpaca: ``instruction``, ``input`` (may be missing or empty) and ``output``
    messages: ``messages``, a list of {role, content} that ends with the assistant's
    preference: ``instruction``, ``chosen`` and ``rejected``; where these two are lists of messages
        the instruction is read from them
    """

    instruction: str = "instruction"
    input: str = "input"
    output: str = "output"
    messages: str = "messages"
    chosen: str = "chosen"
    rejected: str = "rejected"


@dataclass
class DataSettings:
    """Instruction pairs: generated where neither ``path`` nor ``hub.repo`` is set.

    name: its name in tables
    path: a local JSON, JSONL, CSV, TSV, Parquet or xlsx file, read instead of anything else
    hub: where it is on the Hugging Face hub
    format: alpaca, messages, preference, or auto: told by the columns
    n: pairs used, drawn by the seed; null: all of them (400 where they are generated)
    held_out: clean pairs kept from training, to measure the loss on
    strict: a bad row is an error; false: it is left out and counted
    """

    name: str = "generated"
    path: str | None = None
    hub: HubSettings = field(default_factory=HubSettings)
    format: str = "auto"
    columns: PairColumns = field(default_factory=PairColumns)
    n: int | None = None
    held_out: int = 100
    strict: bool = True


@dataclass
class CorruptionSettings:
    """How training pairs are spoilt.

    kind: shuffled (another corrupted pair's response), random (random words, as many), or rejected
        (the response that the data itself rejects)
    share: of the training pairs, rounded to whole pairs
    """

    kind: str = "shuffled"
    share: float = 0.3


@dataclass
class ScheduleSettings:
    """Which pairs each optimizer step sees.

    kind: plain (shuffled), or probe (clean, corrupted and mixed steps in turn)
    steps: optimizer steps
    batch_size: pairs an optimizer step; memory never changes it
    """

    kind: str = "plain"
    steps: int = 150
    batch_size: int = 32


def find_problems(
    data: DataSettings, corruption: CorruptionSettings, schedule: ScheduleSettings
) -> list[str]:
    """Everything wrong with the settings that can be told without reading the data."""
    checks = [
        (data.n is None or data.n >= 1, f"data.n={data.n}: at least 1, or null for all pairs"),
        (data.held_out >= 1, f"data.held_out={data.held_out}: at least 1"),
        (
            0 < corruption.share < 1,
            f"corruption.share={corruption.share}: above 0 and below 1; both kinds of pairs are "
            "needed to compare them",
        ),
        (schedule.steps >= 1, f"schedule.steps={schedule.steps}: at least 1"),
        (schedule.batch_size >= 1, f"schedule.batch_size={schedule.batch_size}: at least 1"),
        *(
            (value in known, f"{key}={value}: expected one of {', '.join(known)}")
            for key, value, known in (
                ("data.format", data.format, FORMATS),
                ("corruption.kind", corruption.kind, CORRUPTIONS),
                ("schedule.kind", schedule.kind, SCHEDULES),
            )
        ),
    ]
    return [message for good, message in checks if not good]
