"""Settings: what is refused before anything is read, and what auto means."""

import pytest

from tst.diagnostics.llm.settings import OptimizerSettings
from tst.noisy_tuning.settings import (
    CorruptionSettings,
    DataSettings,
    NoisyConfig,
    ScheduleSettings,
    TrainingSettings,
    find_problems,
    resolve_auto,
)


def test_defaults_are_sound():
    assert find_problems(NoisyConfig()) == []


def test_all_problems_are_named_at_once():
    config = NoisyConfig(
        data=DataSettings(n=0, held_out=0, format="csv"),
        corruption=CorruptionSettings("flipped", 1.0),
        schedule=ScheduleSettings("zigzag", 0, "many"),
        optimizer=OptimizerSettings("sgd"),
        training=TrainingSettings(r=0, max_length=8, learning_rate=0.0),
        seed=-1,
    )
    problems = "\n".join(find_problems(config))
    for name in (
        *("data.n=0", "data.held_out=0", "data.format=csv", "corruption.kind=flipped"),
        *("corruption.share=1.0", "schedule.kind=zigzag", "schedule.steps=0"),
        *(
            "schedule.batch_size=many",
            "optimizer.name=sgd",
            "training.r=0",
            "training.learning_rate=0.0",
            "training.max_length=8",
        ),
        "seed=-1",
    ):
        assert name in problems
    assert "diagnostic." not in problems


@pytest.mark.parametrize(("optimizer", "known"), [("adamw", "betas, eps"), ("casmo", "rho")])
def test_unknown_optimizer_parameters_are_refused(optimizer, known):
    config = NoisyConfig(optimizer=OptimizerSettings(optimizer, {"momentum": 0.9, "eps": 1e-8}))
    (problem,) = find_problems(config)
    assert "optimizer.params.momentum" in problem and known in problem


def test_a_constant_step_size_has_no_warmup():
    training = TrainingSettings(warmup=0.1)
    (problem,) = find_problems(NoisyConfig(training=training))
    assert "constant_with_warmup" in problem
    training.scheduler = "constant_with_warmup"
    assert find_problems(NoisyConfig(training=training)) == []


def test_auto_depends_on_the_device_and_numbers_stay():
    config = NoisyConfig(schedule=ScheduleSettings(steps=7))
    on_cpu, on_gpu = resolve_auto(config, "cpu"), resolve_auto(config, "cuda")
    assert (on_cpu.schedule.steps, on_gpu.schedule.steps) == (7, 7)
    assert (on_cpu.schedule.batch_size, on_gpu.schedule.batch_size) == (4, 32)
    assert config.schedule.batch_size == "auto"
