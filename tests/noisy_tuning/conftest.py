"""Runs on a tiny model; properties are checked without a time limit: the machine may be busy."""

import pytest
from hypothesis import settings

from tests.noisy_tuning.handmade import make_run
from tst.diagnostics.llm.settings import ModelSettings, OptimizerSettings
from tst.noisy_tuning.experiment import run
from tst.noisy_tuning.settings import (
    DataSettings,
    EvaluationSettings,
    NoisyConfig,
    ScheduleSettings,
    SuspectSettings,
)

settings.register_profile("patient", deadline=None, max_examples=50)
settings.load_profile("patient")


def make_config(root, optimizer="casmo", seed=0, **changes):
    return NoisyConfig(
        data=DataSettings(n=60, held_out=12),
        schedule=ScheduleSettings("probe", 6, 6),
        optimizer=OptimizerSettings(optimizer),
        model=ModelSettings("tiny", dtype="float32", quantization="none"),
        evaluation=EvaluationSettings(8, 3),
        suspects=SuspectSettings(pairs=48),
        seed=seed,
        outputs_root=str(root),
        device="cpu",
        **changes,
    )


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """Two optimizers, two seeds."""
    folder = tmp_path_factory.mktemp("outputs")
    for optimizer in ("adamw", "casmo"):
        for seed in (0, 1):
            run(make_config(folder, optimizer, seed))
    return folder


@pytest.fixture
def grid(tmp_path):
    """AdamW and CASMO at two rates: two seeds that choose, three that are compared."""
    runs = []
    for seed in (10, 11, 0, 1, 2):
        jitter = seed / 1000
        for rate, end in ((1e-4, 1.4), (4e-4, 1.2 + 0.6 * (seed < 10))):
            runs.append(
                make_run(tmp_path, "adamw", seed, rate, (2.0, 1.5, end), (0.0, 0.2, 0.3 + jitter))
            )
            runs.append(make_run(tmp_path, "casmo", seed, rate, (2.0, 1.8, end), (0.0, 0.02, 0.1)))
    return tmp_path, runs
