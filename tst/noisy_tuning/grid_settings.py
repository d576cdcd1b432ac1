"""What a user can set of a grid: contenders, their learning rates, how its runs are trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tst.core.ranges import bounded, expecting, one_of
from tst.diagnostics.llm.settings import (
    LoraSettings,
    ModelSettings,
    find_conflicts,
    why_sequential,
)
from tst.optimizers.settings import OptimizerSettings

TAKES = ("all", "chosen")
SCORES_BEFORE = ("prompt_gain", "loss_before")
"""Scores of single pairs that the untrained model gives."""
MODES = ("auto", "stacked", "sequential")


def _are_shares(values: Any) -> bool:
    return bool(values) and all(isinstance(v, int | float) and 0 <= v < 1 for v in values)


def _are_rates(values: Any) -> bool:
    return all(isinstance(v, int | float) and v > 0 for v in values)


@dataclass
class ContenderSettings:
    """One way to train that a grid tries at every learning rate.

    label_smoothing: as of ``training``
    filter_shares: values of ``filter.share`` to try, each at every learning rate
    filter_score: as ``filter.score``
    """

    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    label_smoothing: float = bounded(0.0, at_least=0, below=1)
    filter_shares: list[float] = expecting([0.0], "shares from 0 to below 1", _are_shares)
    filter_score: str = one_of("loss_before", SCORES_BEFORE)


@dataclass
class GridSettings:
    """Several runs of one seed and schedule; each leaves the record that it would leave alone.

    contenders: by name; none: the one run that ``optimizer``, ``training`` and ``filter`` say
    learning_rates: values of ``training.learning_rate`` to try
    take: all; chosen: of each contender the learning rate and filter share with the lowest loss on
        held-out clean pairs, from the records of a grid with take=all
    training: stacked (adapters of several runs over one base, in one pass), sequential, or auto
        (stacked on CUDA)
    at_once: most runs trained together; 0: all of them
    """

    contenders: dict[str, ContenderSettings] = field(default_factory=dict)
    learning_rates: list[float] = expecting([], "learning rates above 0", _are_rates)
    take: str = one_of("all", TAKES)
    training: str = one_of("auto", MODES)
    at_once: int = bounded(0, at_least=0)


def find_grid_conflicts(grid: GridSettings, model: ModelSettings) -> list[str]:
    """Settings of a grid that cannot go together; each with the fix."""
    problems = []
    if grid.contenders and not grid.learning_rates:
        problems.append(
            "grid.learning_rates is empty: name some, e.g. 'grid.learning_rates=[1e-4,2e-4]'."
        )
    for name, contender in grid.contenders.items():
        place = f"grid.contenders.{name}"
        problems += [f"{place}: {p}" for p in find_conflicts(model, contender.optimizer)]
        why = why_sequential(LoraSettings(), model, contender.optimizer)
        if why and grid.training == "stacked":
            problems.append(f"grid.training=stacked: {place}: {why}; use grid.training=auto.")
    return problems
