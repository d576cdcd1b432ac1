"""How far long work is: a bar on a terminal, a log line every few seconds elsewhere."""

from __future__ import annotations

import logging
import math
import sys
import time
from typing import Any

from tqdm import tqdm

log = logging.getLogger(__name__)
EVERY_SECONDS = 15.0


class Progress:
    """Counts units of work towards a total, inside a ``with`` block.

    unit: what is counted, in the singular
    together: so many units are done at the same time
    """

    def __init__(self, title: str, total: int, unit: str, together: int = 1) -> None:
        self.title, self.total, self.unit, self.together = title, total, unit, together
        self.done = 0
        self._started = self._said = time.perf_counter()
        self._bar: tqdm[Any] | None = None
        if sys.stderr.isatty():
            self._bar = tqdm(total=total, desc=title, unit=unit, leave=False)

    def advance(self, count: int = 1) -> None:
        self.done += count
        now = time.perf_counter()
        if self._bar is not None:
            self._bar.update(count)
        elif now - self._said > EVERY_SECONDS and 0 < self.done < self.total:
            passes = math.ceil(self.done / self.together)
            passes_left = math.ceil(self.total / self.together) - passes
            if not passes_left:
                return
            self._said = now
            left = (now - self._started) / passes * passes_left
            log.info(
                "%s: %s %d of %d, %.0f s left", self.title, self.unit, self.done, self.total, left
            )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
