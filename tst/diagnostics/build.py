"""From settings to a diagnostic; only what is asked for is imported."""

from __future__ import annotations

from tst.config import RunConfig
from tst.diagnostics.protocol import Diagnostic, Store


def build_diagnostic(config: RunConfig, store: Store) -> Diagnostic:
    """The diagnostic that a resolved config names."""
    if config.diagnostic.name == "rf":
        from tst.diagnostics.forest.diagnostic import ForestDiagnostic

        return ForestDiagnostic(
            config.diagnostic, config.features, config.benchmark.features, n_jobs=config.n_jobs
        )
    from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic

    return LoraLLMDiagnostic(
        config.diagnostic, config.model, config.optimizer, store, device=config.device
    )
