"""From settings to a diagnostic; only what is asked for is imported."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from tst.config.schema import RunConfig
from tst.core.diagnostic import Diagnostic, Store


def build_diagnostic(config: RunConfig, store: Store) -> Diagnostic:
    """The diagnostic that a resolved config names."""
    if config.diagnostic.name == "rf":
        from tst.diagnostics.forest.diagnostic import ForestDiagnostic

        return ForestDiagnostic(
            config.diagnostic,
            config.benchmark.features,
            config.features.scene_context,
            config.scoring.rules(),
            config.n_jobs,
        )
    from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic

    return LoraLLMDiagnostic(
        config.diagnostic,
        config.model,
        config.optimizer,
        store,
        config.device,
        config.scoring.rules(),
    )


def without_explanations(config: RunConfig) -> RunConfig:
    """A copy that asks for predictions alone: no importance, no reasons, no adapters kept."""
    config = deepcopy(config)
    if config.diagnostic.name == "rf":
        config.diagnostic = replace(config.diagnostic, importance=False, reasons=False)
    else:
        config.diagnostic = replace(config.diagnostic, save_adapters=False)
    return config
