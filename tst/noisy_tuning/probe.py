"""Measuring every step of a training run without making the device wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from transformers import TrainerCallback

from tst.optimizers.build import ReadableOptimizer


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

    held_out: measures the held-out loss, called after every ``every`` steps (0: never)
    """

    def __init__(self, device: torch.device, every: int, held_out: Callable[[Any], float]) -> None:
        self.every = every
        self.held_out = held_out
        self.device = device
        self.step_clock, self.optimizer_clock = Clock(device), Clock(device)
        self.loss = torch.zeros((), device=device)
        self.grad_norm = torch.zeros((), device=device)
        self.readable: ReadableOptimizer | None = None
        self.rows: list[dict[str, Any]] = []
        self.curve: list[dict[str, float]] = []

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.step_clock.mark()

    def on_pre_optimizer_step(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        grads = [p.grad for p in model.parameters() if p.grad is not None]
        self.grad_norm = torch.nn.utils.get_total_norm(grads)
        self.optimizer_clock.mark()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.optimizer_clock.mark()

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        self.step_clock.mark()
        assert self.readable is not None
        confidence, agar = self.readable.read()
        self.rows.append(
            {
                "loss": self.loss,
                "confidence": confidence,
                "agar": agar,
                "grad_norm": self.grad_norm,
            }
        )
        if self.every and state.global_step % self.every == 0:
            self.curve.append({"step": state.global_step, "held_out": self.held_out(model)})

    def table(self) -> pd.DataFrame:
        """One row per step: loss, confidence, agar, grad_norm, seconds, optimizer_seconds.

        grad_norm: of the whole gradient, after clipping
        """
        frame = pd.DataFrame([{k: float(v) for k, v in row.items()} for row in self.rows])
        return frame.assign(
            seconds=self.step_clock.seconds(), optimizer_seconds=self.optimizer_clock.seconds()
        )
