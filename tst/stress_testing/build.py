"""From a config to its diagnostic: which class, what ``auto`` means, an instance."""

from __future__ import annotations

import os
from copy import deepcopy
from operator import attrgetter
from typing import Any, TypeVar

from tst.config.schema import RunConfig
from tst.core.diagnostic import Context, Diagnostic, Store
from tst.diagnostics.known import find_diagnostic

Config = TypeVar("Config", bound=RunConfig)


def diagnostic_of(config: RunConfig) -> type[Diagnostic]:
    """The class of a config's diagnostic, with all that it declares."""
    return find_diagnostic(config.diagnostic.name, config.diagnostic.implementation)


def build_diagnostic(config: RunConfig, store: Store) -> Diagnostic:
    """The diagnostic of a resolved config."""
    declared = diagnostic_of(config)
    rules, n_jobs = config.scoring.rules(), _cores(config.n_jobs)
    context = Context(_parts(config, declared), rules, store, config.device, n_jobs)
    return declared.build(config.diagnostic, context)


def resolve_auto(config: Config) -> Config:
    """A copy in which ``auto`` values that can change a number are replaced by what they mean."""
    config = deepcopy(config)
    declared = diagnostic_of(config)
    if config.benchmark.n == "auto" and config.benchmark.is_generated():
        config.benchmark.n = declared.planted_questions
    config.n_jobs = _cores(config.n_jobs)
    parts = _parts(config, declared)
    for path, part in declared.resolve(config.diagnostic, parts, config.device).items():
        owner, _, name = path.rpartition(".")
        setattr(attrgetter(owner)(config) if owner else config, name, part)
    return config


def predictions_alone(config: Config) -> Config:
    """A copy that asks for predictions alone: nothing is explained, nothing else is kept."""
    config = deepcopy(config)
    config.diagnostic = config.diagnostic.predictions_alone()
    return config


def _parts(config: RunConfig, declared: type[Diagnostic]) -> dict[str, Any]:
    return {path: attrgetter(path)(config) for path in declared.reads}


def _cores(n_jobs: int) -> int:
    return len(os.sched_getaffinity(0)) if n_jobs == -1 else n_jobs
