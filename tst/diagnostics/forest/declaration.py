"""What is known of TsT-RF before one is built; imports nothing that it computes with."""

from __future__ import annotations

from tst.core.diagnostic import Context, Diagnostic
from tst.diagnostics.forest.settings import ForestSettings


class Forest(Diagnostic):
    """TsT-RF: the quick, interpretable audit. No model, no GPU."""

    label = "TsT-RF"
    version = 1
    settings_type = ForestSettings
    reads = ("features", "benchmark.features")
    planted_questions = 600
    cpu_seconds = 0.002  # VSI-Bench, CV-Bench: 1.6 to 2 ms

    @classmethod
    def build(cls, settings: ForestSettings, context: Context) -> Diagnostic:
        from tst.diagnostics.forest.diagnostic import ForestDiagnostic

        return ForestDiagnostic(
            settings,
            context.parts["benchmark.features"],
            context.parts["features"].scene_context,
            context.rules,
            context.n_jobs,
        )
