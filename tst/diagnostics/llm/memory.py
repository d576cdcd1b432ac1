"""How training fits in memory: smaller micro-batches first, then gradient checkpointing.

The effective batch never changes.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch

from tst.errors import UserError

_T = TypeVar("_T")


@dataclass
class MemoryPlan:
    """micro_batch: questions a forward pass and fold; proven: the longest batch has fitted."""

    micro_batch: int
    checkpointing: bool = False
    proven: bool = False

    def shrink(self) -> None:
        """The next smaller way to run; raises UserError when there is none."""
        self.proven = False
        if self.micro_batch > 1:
            self.micro_batch = (self.micro_batch + 1) // 2
        elif not self.checkpointing:
            self.checkpointing = True
        else:
            raise UserError(
                "Out of memory with one question a forward pass and gradient checkpointing.\n"
                "Use model.quantization=nf4, a smaller diagnostic.max_length, or a smaller model."
            )

    def describe(self) -> str:
        """In a few words, for the log."""
        suffix = " with gradient checkpointing" if self.checkpointing else ""
        return f"micro-batch {self.micro_batch}{suffix}"


def give_back_memory() -> None:
    """Free what Python and the allocator still hold after a failure."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def retry_smaller(run: Callable[[], _T], shrink: Callable[[], None]) -> _T:
    """Run; after running out of memory shrink and run again, from the start."""
    while True:
        try:
            return run()
        except torch.OutOfMemoryError:
            pass  # leave the except block first: its traceback holds the tensors that did not fit
        give_back_memory()
        shrink()
