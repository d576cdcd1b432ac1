"""Diagnostics that are trained, or answer, elsewhere: what records and tables call them.

They are named by their dotted path, as a user's own diagnostic is. Imports neither torch nor
transformers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from tst.core.diagnostic import Context, Diagnostic, Predictions
from tst.core.errors import UserError
from tst.external_training.settings import ExternalAdapterSettings, PredictionFileSettings

if TYPE_CHECKING:
    import pandas as pd

UNVERIFIED = "not verified leak-free"


class MadeElsewhere(Diagnostic):
    """Hands out what was made elsewhere for the folds of one plan."""

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        """Refuses: nothing is trained here."""
        raise UserError(f"{self.label}: cannot be trained on other questions.")


class ExternalAdapters(MadeElsewhere):
    """TsT-LLM with adapters that another trainer trained on folds of ``tst export``."""

    label = "TsT-LLM, trained elsewhere"
    version = 1
    settings_type = ExternalAdapterSettings
    reads = ("model",)
    without_effect: ClassVar[Mapping[str, str]] = {
        "folder": "a path; the adapters' digest is in the hash",
        "score_tokens": "the batches of scoring",
    }
    has_zero_shot = True

    @classmethod
    def resolve(cls, settings: Any, parts: Mapping[str, Any], device: str) -> dict[str, Any]:
        from tst.diagnostics.llm.model.loading import pick_device
        from tst.diagnostics.llm.model.quantization import resolve_model

        return {"model": resolve_model(parts["model"], pick_device(device))}

    @classmethod
    def build(cls, settings: Any, context: Context) -> Diagnostic:
        from tst.external_training.adapter_scoring import AdapterScoring

        return AdapterScoring(settings, context)


class UnverifiedAdapters(ExternalAdapters):
    """The same without a manifest: what they were trained on cannot be told."""

    label = f"TsT-LLM, trained elsewhere ({UNVERIFIED})"


class PredictionFile(MadeElsewhere):
    """Answers of anything else, from a file. ``model.name`` says who answered."""

    label = f"predictions ({UNVERIFIED})"
    version = 1
    settings_type = PredictionFileSettings
    reads = ("model",)
    without_effect: ClassVar[Mapping[str, str]] = {"file": "a path; its digest is in the hash"}

    @classmethod
    def build(cls, settings: Any, context: Context) -> Diagnostic:
        from tst.external_training.predictions import PredictionScoring

        return PredictionScoring(settings)


def path_of(declared: type[Diagnostic]) -> str:
    """The dotted path that ``diagnostic.implementation`` takes."""
    return f"{declared.__module__}.{declared.__qualname__}"
