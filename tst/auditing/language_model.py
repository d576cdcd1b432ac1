"""What an audit says of the language model that it did not run."""

from __future__ import annotations

import logging
from copy import deepcopy

from tst.auditing.run import LLM, Audit
from tst.auditing.settings import AuditConfig
from tst.core.errors import UserError
from tst.diagnostics.llm.settings import LoraSettings, model_slug
from tst.stress_testing.build import resolve_auto
from tst.stress_testing.run import plan_for

ESTIMATE = "estimate (rough): "


def describe_missing(config: AuditConfig, found: Audit, command: str) -> str:
    """The command that runs it too, and about how long it takes here; empty where it has run.

    The estimate loads the model's tokenizer, no weights; without one (no network) there is none.
    """
    if LLM in found.runs or config.diagnostic.name == config.llm.name:
        return ""
    about = _estimate(config, found)
    takes = f"; it would take about {about}" if about else ""
    return f"The language model {model_slug(config.model)} was not run{takes}: {command}"


def _estimate(config: AuditConfig, found: Audit) -> str:
    """Rough time and memory on the deciding folds; empty where they cannot be told."""
    if not isinstance(config.llm, LoraSettings):  # a user's own diagnostic
        return ""
    # not by the diagnostic itself: what trains it takes seconds to import
    from tst.diagnostics.llm.dry_run import describe_run

    run = deepcopy(found.plan.nulls_on)
    run.diagnostic = deepcopy(config.llm)
    log = logging.getLogger("tst")
    level = log.level
    log.setLevel(logging.WARNING)  # what auto means for a model that is not run
    try:
        run = resolve_auto(run)
        parts = (run.diagnostic, run.model, run.optimizer, run.device)
        told = describe_run(found.table.frame, plan_for(run, found.table), *parts).splitlines()
    except UserError:
        return ""
    finally:
        log.setLevel(level)
    return next((line.removeprefix(ESTIMATE) for line in told if line.startswith(ESTIMATE)), "")
