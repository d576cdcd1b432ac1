"""What a user can set for ``tst audit``, besides a stress test's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING, DictConfig

from tst.config.composition import set_diagnostic_type
from tst.config.problems import find_problems
from tst.config.schema import RunConfig
from tst.core.ranges import expecting

EXPOSED = "exposed"
"""The finding that ``audit.fail_if`` may name."""


def is_llm_choice(value: Any) -> bool:
    """Whether a setting is true, false or ``auto``."""
    return value == "auto" or isinstance(value, bool)


@dataclass
class AuditSettings:
    """What an audit does and writes.

    llm: whether TsT-LLM is run too; ``auto``: where there is a GPU
    text: whether audit.md and to_mend.csv show questions; false for what is published
    fail_if: ``exposed``: exit code 3 where a question type is exposed, for a benchmark's own CI
    before: the file as it was before it was mended; the change is paired by question
    """

    llm: Any = expecting("auto", "true, false or auto (true where there is a GPU)", is_llm_choice)
    text: bool = True
    fail_if: str | None = expecting(
        None, f"{EXPOSED}, or null", lambda value: value in (None, EXPOSED)
    )
    before: str | None = None


@dataclass
class AuditConfig(RunConfig):
    """A stress test's settings, which every run of the audit shares.

    llm: settings of the diagnostic that runs beside the first one where ``audit.llm`` asks for it
    """

    audit: AuditSettings = field(default_factory=AuditSettings)
    llm: Any = MISSING


def complete(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Give the second diagnostic of a composed config its dataclass."""
    set_diagnostic_type(cfg, "llm")


def find_audit_problems(config: AuditConfig) -> list[str]:
    """Everything that is wrong with an audit's config; each with its fix."""
    problems = find_problems(config)
    if config.features.context != "none":
        problems.append(
            f"features.context={config.features.context}: an audit's verdict is about questions "
            "alone. Leave it out; on grouped folds the score with the group's other questions is "
            "run and shown beside it."
        )
    if config.fold.only is not None:
        problems.append(
            f"fold.only={config.fold.only}: an audit needs every fold. Leave it out; finished "
            "folds are not run again."
        )
    return problems
