"""How far training is: a bar on a terminal, a log line every few seconds elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

log = logging.getLogger(__name__)
EVERY_SECONDS = 15.0


class StepReport(TrainerCallback):
    """Reports optimizer steps; reads no tensor, so nothing waits for the device."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._started = self._said = time.perf_counter()
        self._bar: tqdm[Any] | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        self._started = self._said = time.perf_counter()
        if sys.stderr.isatty():
            self._bar = tqdm(total=state.max_steps, desc=self.title, unit="step", leave=False)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        now = time.perf_counter()
        if self._bar is not None:
            self._bar.update(1)
        elif now - self._said > EVERY_SECONDS:
            self._said = now
            left = (now - self._started) / state.global_step * (state.max_steps - state.global_step)
            log.info(
                "%s: step %d of %d, %.0f s left",
                self.title,
                state.global_step,
                state.max_steps,
                left,
            )

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        if self._bar is not None:
            self._bar.close()
