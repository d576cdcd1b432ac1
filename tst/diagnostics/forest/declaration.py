"""What is known of TsT-RF before one is built; imports nothing that it computes with."""

from __future__ import annotations

from tst.core.diagnostic import Context, Diagnostic
from tst.diagnostics.forest.settings import ForestSettings


class Forest(Diagnostic):
    """TsT-RF: the quick, interpretable audit. No model, no GPU."""

    label = "TsT-RF"
    version = 3
    settings_type = ForestSettings
    reads = ("features", "benchmark.features")
    cpu_seconds = 0.004  # VSI-Bench, CV-Bench: 3 to 4 ms

    @classmethod
    def build(cls, settings: ForestSettings, context: Context) -> Diagnostic:
        from tst.diagnostics.forest.diagnostic import ForestDiagnostic

        return ForestDiagnostic(
            settings,
            context.parts["benchmark.features"],
            context.parts["features"].context,
            context.rules,
            context.n_jobs,
        )
