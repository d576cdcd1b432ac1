"""Run identity: a short hash of all that can change a number.

Every config field is in exactly one of the two lists below (a test says so). What is left out is
left out for the reason beside it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tst.config.schema import RunConfig, to_plain
from tst.core.folds import scheme_name
from tst.core.questions import QuestionTable
from tst.diagnostics.llm.settings import model_slug
from tst.records.kinds import STRESS_TEST

RESULTS_VERSION = 3
"""Raised by hand when the same config and questions give other numbers."""

INCLUDED = (
    "benchmark.name",
    "benchmark.features",
    "diagnostic",
    "model",
    "optimizer",
    "fold.k",
    "fold.seed",
    "fold.repeats",
    "fold.group_by",
    "fold.stratify",
    "features",
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
    "tracking": "who is told of the run",
    "device": "where it runs",
    "fail_fast": "what a sweep does after a failure",
    "dry_run": "nothing is computed",
    "diagnostic.micro_batch": "the effective batch stays",
    "diagnostic.training": "the same adapters up to rounding",
    "diagnostic.save_adapters": "what is kept",
    "diagnostic.cuda_graphs": "speed",
    "diagnostic.folds_at_once": "as diagnostic.training",
    "diagnostic.score_tokens": "the batches of scoring",
    "model.training": "defaults, read as diagnostic.*",
    "model.attn_implementation": "the attention kernel",
    "model.device_map": "where it runs",
    "model.kernels": "the same numbers but for rounding",
}

ADDED = {"diagnostic.number_samples": 0}
"""Settings that came later, and the value at which nothing is other than before: left out there,
so that earlier records keep their hash."""

UNUSED = {"rf": ("model", "optimizer"), "lora_llm": ("features", "benchmark.features")}
"""Parts of the config that a diagnostic does not read."""


def matches(path: str, prefix: str) -> bool:
    """Whether a dotted path is a prefix or lies below it."""
    return path == prefix or path.startswith(f"{prefix}.")


def is_identity(path: str) -> bool:
    """Whether a config field belongs to the identity: the longest matching entry decides."""
    included = max((len(p) for p in INCLUDED if matches(path, p)), default=-1)
    excluded = max((len(p) for p in EXCLUDED if matches(path, p)), default=-1)
    return included > excluded


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves of nested dicts by dotted path; lists and empty dicts are leaves."""
    if isinstance(value, dict) and value:
        parts = (flatten(v, f"{path}.{k}" if path else str(k)) for k, v in value.items())
        return {k: v for part in parts for k, v in part.items()}
    return {path: value}


def identity_leaves(plain: dict[str, Any], group_by: str | None) -> dict[str, Any]:
    """The settings that can change a number, by dotted path.

    plain: a resolved config as nested dicts (``to_plain``, or a record's config.yaml)
    group_by: the group that the folds keep whole, ``first`` resolved
    """
    unused = UNUSED[plain["diagnostic"]["name"]]
    leaves = {
        path: value
        for path, value in flatten(plain).items()
        if is_identity(path)
        and not any(matches(path, u) for u in unused)
        and not (path in ADDED and value == ADDED[path])
    }
    leaves["fold.group_by"] = group_by
    return leaves


def identity_hash(leaves: dict[str, Any], fingerprint: str) -> str:
    """12 hex digits over ``identity_leaves``, the questions and RESULTS_VERSION."""
    return digest(leaves, fingerprint, RESULTS_VERSION)


def digest(leaves: dict[str, Any], fingerprint: str, version: int) -> str:
    """12 hex digits over settings, data and the version of what is computed from them."""
    text = json.dumps([leaves, fingerprint, version], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def run_hash(config: RunConfig, table: QuestionTable) -> str:
    """12 hex digits over the resolved config's identity, the questions and RESULTS_VERSION."""
    leaves = identity_leaves(to_plain(config), config.fold.grouping(table.groups))
    return identity_hash(leaves, table.fingerprint)


def record_folder(config: RunConfig, table: QuestionTable) -> Path:
    """outputs/runs/<benchmark>/<diagnostic>[-<model>]/<fold scheme>/<hash>."""
    diagnostic = config.diagnostic.name
    if "model" not in UNUSED[diagnostic]:
        diagnostic = f"{diagnostic}-{model_slug(config.model)}"
    group_by = config.fold.grouping(table.groups)
    scheme = scheme_name(config.fold.k, group_by, config.fold.stratify)
    place = (table.name, diagnostic, scheme)
    return STRESS_TEST.path(config.outputs_root, place, run_hash(config, table))
