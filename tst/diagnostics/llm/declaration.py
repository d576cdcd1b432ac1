"""What is known of TsT-LLM before one is built; imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tst.core.diagnostic import Context, Diagnostic
from tst.diagnostics.llm.settings import LoraSettings


class LoraLLM(Diagnostic):
    """TsT-LLM: a LoRA adapter per fold, and the same model without it."""

    label = "TsT-LLM"
    version = 3
    settings_type = LoraSettings
    reads = ("model", "optimizer")
    without_effect: ClassVar[Mapping[str, str]] = {
        "micro_batch": "the effective batch stays",
        "training": "the same adapters up to rounding",
        "folds_at_once": "as training",
        "score_tokens": "the batches of scoring",
        "cuda_graphs": "speed",
        "save_adapters": "what is kept",
        "trainer": "another trainer's adapters are records of another diagnostic",
        "llamafactory": "a path",
    }
    has_zero_shot = True

    @classmethod
    def resolve(
        cls, settings: LoraSettings, parts: Mapping[str, Any], device: str
    ) -> dict[str, Any]:
        from tst.diagnostics.llm.model.loading import pick_device
        from tst.diagnostics.llm.model.quantization import resolve_model
        from tst.diagnostics.llm.resolving import resolve_settings

        model = resolve_model(parts["model"], pick_device(device))
        return {"diagnostic": resolve_settings(settings, model), "model": model}

    @classmethod
    def build(cls, settings: LoraSettings, context: Context) -> Diagnostic:
        from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic

        return LoraLLMDiagnostic(
            settings,
            context.parts["model"],
            context.parts["optimizer"],
            context.store,
            context.device,
            context.rules,
        )
