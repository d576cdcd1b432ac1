"""What is wrong with a config that types alone do not show."""

from __future__ import annotations

from tst.diagnostics.llm.settings import find_problems as find_training_problems
from tst.noisy_tuning.settings import AUTO, NoisyConfig
from tst.tracking.settings import find_tracking_problems

FORMATS = ("auto", "alpaca", "messages", "preference")
CORRUPTIONS = ("shuffled", "random", "rejected")
SCHEDULES = ("plain", "probe")


def find_problems(config: NoisyConfig) -> list[str]:
    """Everything wrong with a config that can be told without reading or loading anything."""
    data, schedule, evaluation = config.data, config.schedule, config.evaluation
    checks = [
        (data.n is None or data.n >= 1, f"data.n={data.n}: at least 1, or null for all pairs"),
        (data.held_out >= 1, f"data.held_out={data.held_out}: at least 1"),
        (
            0 < config.corruption.share < 1,
            f"corruption.share={config.corruption.share}: above 0 and below 1; both kinds of pairs "
            "are needed to compare them",
        ),
        *(
            (
                value == AUTO or (isinstance(value, int) and value >= 1),
                f"{key}={value}: at least 1, or auto",
            )
            for key, value in (
                ("schedule.steps", schedule.steps),
                ("schedule.batch_size", schedule.batch_size),
                ("evaluation.pairs", evaluation.pairs),
            )
        ),
        (evaluation.every >= 0, f"evaluation.every={evaluation.every}: at least 0"),
        (config.seed >= 0, f"seed={config.seed}: must not be negative"),
        (config.training.micro_batch >= 0, "training.micro_batch: at least 0"),
        (
            config.training.scheduler != "constant" or not config.training.warmup,
            f"training.warmup={config.training.warmup}: training.scheduler=constant has none; "
            "use constant_with_warmup",
        ),
        *(
            (value in known, f"{key}={value}: expected one of {', '.join(known)}")
            for key, value, known in (
                ("data.format", data.format, FORMATS),
                ("corruption.kind", config.corruption.kind, CORRUPTIONS),
                ("schedule.kind", schedule.kind, SCHEDULES),
            )
        ),
    ]
    problems = [message for good, message in checks if not good]
    problems += find_tracking_problems(config.tracking)
    lora = config.training.lora(1)
    shared = find_training_problems(lora, config.model, config.optimizer)
    return problems + [p.replace("diagnostic.", "training.") for p in shared]
