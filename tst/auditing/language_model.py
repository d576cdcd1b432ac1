"""What an audit says of the language model that it did not run."""

from __future__ import annotations

import logging
from copy import deepcopy

from tst.auditing.run import LLM, Audit
from tst.auditing.settings import AuditConfig
from tst.core.errors import UserError
from tst.diagnostics.llm.settings import model_slug
from tst.stress_test.run import describe

ESTIMATE = "estimate (rough): "


def describe_missing(config: AuditConfig, found: Audit, command: str) -> str:
    """The command that runs it too, and about how long it takes here; empty where it has run.

    The estimate loads the model's tokenizer, no weights; without one (no network) there is none.
    """
    if LLM in found.runs or config.diagnostic.name == config.llm.name:
        return ""
    settings = deepcopy(found.plan.nulls_on)
    settings.diagnostic = deepcopy(config.llm)
    quiet = logging.getLogger("tst")
    level = quiet.level
    quiet.setLevel(logging.WARNING)  # what auto means for a model that is not run
    try:
        told = describe(settings, found.table).splitlines()
    except UserError:
        told = []
    finally:
        quiet.setLevel(level)
    about = next((line.removeprefix(ESTIMATE) for line in told if line.startswith(ESTIMATE)), "")
    takes = f"; it would take about {about}" if about else ""
    return f"The language model {model_slug(config.model)} was not run{takes}: {command}"
