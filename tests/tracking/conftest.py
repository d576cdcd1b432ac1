from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import tst.stress_testing.run
from tests.made_records import FrequencyDiagnostic
from tst.config.composition import compose
from tst.config.schema import RunConfig
from tst.core.diagnostic import Diagnostic, Predictions
from tst.stress_testing.run import Result, run
from tst.tracking.publisher_process import wait_for_publishing

STEPS = 1200


class Trained(FrequencyDiagnostic):
    """Says that it was trained, with a history longer than a curve."""

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        predictions = super().fit_predict(train, heldout, seed)
        steps = range(1, STEPS + 1)
        predictions.history = pd.DataFrame(
            {"step": steps, "epoch": [s / STEPS for s in steps], "loss": [1 / s for s in steps],
             "learning_rate": 1e-3, "tokens": [100 * s for s in steps]}
        )  # fmt: skip
        predictions.cost |= {"train_seconds": 4.0, "train_tokens": 1200.0, "train_loss": 0.5}
        return predictions


class Failing(Trained):
    """Fails once a fold is done, quoting a question."""

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        if hasattr(self, "done"):
            raise RuntimeError(heldout["question"].iloc[0])
        self.done = True
        return super().fit_predict(train, heldout, seed)


@pytest.fixture(autouse=True)
def logged_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "no-config"))


@pytest.fixture
def tracked_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a planted stress test with tracking; its publishing is over when this returns."""

    def start(*overrides: str, diagnostic: type[Diagnostic] = Trained) -> Result:
        def build(config: RunConfig, store: object) -> Diagnostic:
            return diagnostic(zero_shot=True)

        monkeypatch.setattr(tst.stress_testing.run, "build_diagnostic", build)
        config = compose(
            ["diagnostic=lora_llm", "benchmark.n=96", "tracking=wandb", f"outputs_root={tmp_path}",
             *overrides]
        )  # fmt: skip
        try:
            return run(config)
        finally:
            wait_for_publishing()

    return start
