"""Which settings of a stress test can change a number, and where its record lies.

Every config field is in exactly one of the lists below, or in ``config.schema.READABLE``, whose
parts count for the diagnostics that read them. Tests check that. What is left out is left out for
the reason beside it; a diagnostic adds its own (``Diagnostic.without_effect``).
"""

from __future__ import annotations

import hashlib
import json
from operator import attrgetter
from pathlib import Path
from typing import Any

from tst.config.schema import RunConfig, to_plain
from tst.core.folds import scheme_name
from tst.core.questions import CONTEXT, QuestionTable
from tst.diagnostics.llm.settings import MODEL_WITHOUT_EFFECT, model_slug
from tst.records.identity import RESULTS_VERSION, Identity, select_leaves
from tst.records.kinds import STRESS_TEST
from tst.stress_testing.build import diagnostic_of

INCLUDED = (
    "benchmark.name",
    "diagnostic",
    "fold.k",
    "fold.seed",
    "fold.repeats",
    "fold.group_by",
    "fold.stratify",
    "scoring",
)

EXCLUDED = {
    "benchmark": "how the questions are read: their fingerprint is in the hash instead",
    "null": "stored beside the result",
    "fold.only": "which folds this process runs",
    "data_root": "a path",
    "outputs_root": "a path",
    "n_jobs": "speed",
    "job": "the machine",
    "tracking": "where the run is published",
    "device": "where it runs",
    "fail_fast": "what a sweep does after a failure",
    "dry_run": "nothing is computed",
    **{f"model.{name}": why for name, why in MODEL_WITHOUT_EFFECT.items()},
}


def identify(config: RunConfig, table: QuestionTable) -> Identity:
    """The identity of the record of a resolved config and its questions."""
    declared = diagnostic_of(config)
    leaves = select_leaves(
        to_plain(config),
        [*INCLUDED, *declared.reads],
        [*EXCLUDED, *(f"diagnostic.{name}" for name in declared.without_effect)],
    )
    leaves["diagnostic.version"] = declared.version
    leaves["fold.group_by"] = config.fold.grouping(table.groups)
    if (
        "features" in declared.reads
        and config.features.context != "none"
        and CONTEXT in table.frame
    ):
        # not in the fingerprint: the order of questions, and so the folds, would follow from it
        leaves["features.context.parts"] = _digest_context(table)
    return Identity(leaves, table.fingerprint, RESULTS_VERSION)


def _digest_context(table: QuestionTable) -> str:
    """16 hex digits over the questions' context columns, in any row order."""
    ids, context = table.frame["id"], table.frame[CONTEXT]
    rows = sorted(json.dumps(row, sort_keys=True) for row in zip(ids, context, strict=True))
    return hashlib.blake2b("\n".join(rows).encode(), digest_size=8).hexdigest()


def record_folder(config: RunConfig, table: QuestionTable) -> Path:
    """outputs/runs/<benchmark>/<diagnostic>[-<model>]/<fold scheme>/<hash>."""
    diagnostic = "-".join(filter(None, [config.diagnostic.name, model_of(config)]))
    fold = config.fold
    scheme = scheme_name(fold.k, fold.grouping(table.groups), fold.stratify)
    place = (table.name, diagnostic, scheme)
    return STRESS_TEST.path(config.outputs_root, place, identify(config, table).hash)


def model_of(config: RunConfig) -> str:
    """Short name of the model that the diagnostic reads; empty where it reads none."""
    return model_slug(config.model) if "model" in diagnostic_of(config).reads else ""


def describe_diagnostic(config: RunConfig) -> dict[str, Any]:
    """summary.json's ``diagnostic``: what tables and reports say of it without its class."""
    declared = diagnostic_of(config)
    parts = {path: attrgetter(path)(config) for path in declared.reads}
    defaults = declared.settings_type()
    return {
        "name": config.diagnostic.name,
        "label": declared.label,
        "model": model_of(config),
        "has_zero_shot": declared.has_zero_shot,
        "defaults": to_plain(
            declared.resolve(defaults, parts, config.device).get("diagnostic", defaults)
        ),
    }
