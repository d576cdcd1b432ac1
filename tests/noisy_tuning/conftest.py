"""Runs on a tiny model; properties are checked without a time limit: the machine may be busy."""

import pytest
from hypothesis import settings

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
