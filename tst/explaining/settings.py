"""What a user can set for ``python -m tst.explain``; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from tst.core.errors import UserError


@dataclass
class ExplainConfig:
    """What to explain, and how closely.

    record: folder of a finished run with ``diagnostic.save_adapters=true``
    questions: multiple-choice questions to explain, those with the highest s; 0: all
    draws: random masks that the attributed tokens are held against
    batch: prompts in one forward pass
    out: the page; null: explain.html in the record
    """

    record: str | None = None
    questions: int = 20
    draws: int = 8
    batch: int = 32
    device: str = "auto"
    out: str | None = None
    outputs_root: str = "outputs"
    fail_fast: bool = False


def require_sensible(config: ExplainConfig) -> None:
    """Raise one UserError that names every problem."""
    problems = []
    if not config.record:
        problems.append("record=PATH: name the folder that a run printed as `record: PATH`.")
    for name, least in (("questions", 0), ("draws", 1), ("batch", 1)):
        value = getattr(config, name)
        if value < least:
            problems.append(f"{name}={value}: at least {least}.")
    if problems:
        raise UserError("\n".join(problems))
