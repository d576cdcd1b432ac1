"""Measuring every step of a training run, or of several at once, without waiting for the device."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from transformers import TrainerCallback

from tst.optimizers.build import Reading

Measure = Callable[[], Mapping[str, np.ndarray]]
"""Mean losses on the way, by name: each an array (runs,)."""


class Clock:
    """Marks points in time on a device without waiting for it; the seconds are read at the end."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        self.points: list[Any] = []

    def mark(self) -> None:
        """Mark the current point in the device's queue."""
        if self.on_gpu:
            point = torch.cuda.Event(enable_timing=True)
            point.record()
            self.points.append(point)
        else:
            self.points.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Seconds from the first to the second point, the third to the fourth, ..."""
        pairs = zip(self.points[::2], self.points[1::2], strict=True)
        if not self.on_gpu:
            return [end - start for start, end in pairs]
        torch.cuda.synchronize()
        return [start.elapsed_time(end) / 1000 for start, end in pairs]


class StepProbe(TrainerCallback):
    """Keeps the measurements of each step as tensors on the device; reads them once, at the end.

    trainer: ``grad_norms`` has the norms of the present gradients, a tensor (runs,); ``read`` each
        run's reading of its optimizer's last step
    measure: called after every ``every`` steps (0: never), but not after the last
    """

    def __init__(self, trainer: Any, every: int, measure: Measure) -> None:
        self.trainer, self.every, self.measure = trainer, every, measure
        device = trainer.args.device
        self.step_clock, self.optimizer_clock = Clock(device), Clock(device)
        self.norms: list[torch.Tensor] = []
        self.readings: list[Sequence[Reading]] = []
        self.measured: list[tuple[int, Mapping[str, np.ndarray]]] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.step_clock.mark()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.norms.append(self.trainer.grad_norms())
        self.optimizer_clock.mark()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.optimizer_clock.mark()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.step_clock.mark()
        self.readings.append(self.trainer.read())
        last = state.global_step == state.max_steps  # measured when training has ended
        if self.every and state.global_step % self.every == 0 and not last:
            self.measured.append((state.global_step, self.measure()))

    def tables(self, losses: np.ndarray) -> list[pd.DataFrame]:
        """For each run one row per step: loss, confidence, agar, grad_norm, seconds of the step and
        of the optimizer in it, each a run's share of them.

        losses: (runs, steps); grad_norm: of the whole gradient, after clipping
        """
        norms = torch.stack(self.norms).cpu().numpy()
        runs = len(losses)
        clocks = {"seconds": self.step_clock, "optimizer_seconds": self.optimizer_clock}
        seconds = {name: np.array(clock.seconds()) / runs for name, clock in clocks.items()}
        tables = []
        for run in range(runs):
            readings = [readings[run] for readings in self.readings]
            measured = {
                "loss": losses[run].astype(float),
                "confidence": [float(confidence) for confidence, _ in readings],
                "agar": [float(agar) for _, agar in readings],
                "grad_norm": norms[:, run].astype(float),
            }
            tables.append(pd.DataFrame({**measured, **seconds}))
        return tables

    def curves(self, run: int) -> pd.DataFrame:
        """A run's mean losses on the way: step, and a column per name."""
        rows = [{"step": s, **{n: float(v[run]) for n, v in m.items()}} for s, m in self.measured]
        return pd.DataFrame(rows)
