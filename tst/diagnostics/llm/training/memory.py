"""How training fits in memory: smaller micro-batches first, then gradient checkpointing.

The effective batch never changes.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field

import torch

from tst.core.errors import UserError


@dataclass
class MemoryPlan:
    """How a training run is made to fit into memory.

    micro_batch: questions of each fold in a forward pass
    folds: folds trained at once
    proven: the longest batch has fitted
    """

    micro_batch: int
    folds: int = field(default=1, kw_only=True)
    checkpointing: bool = field(default=False, kw_only=True)
    proven: bool = field(default=False, kw_only=True)

    def shrink(self) -> None:
        """The next smaller way to run; raises UserError when there is none."""
        self.proven = False
        if self.micro_batch > 1:
            self.micro_batch = (self.micro_batch + 1) // 2
        elif self.folds > 1:
            self.folds = (self.folds + 1) // 2
        elif not self.checkpointing:
            self.checkpointing = True
        else:
            raise UserError(
                "Out of memory with one question a forward pass and gradient checkpointing.\n"
                "Use model.quantization=nf4, a smaller diagnostic.max_length, or a smaller model."
            )

    def describe(self) -> str:
        """In a few words, for the log."""
        folds = f", {self.folds} folds at once" if self.folds > 1 else ""
        suffix = " with gradient checkpointing" if self.checkpointing else ""
        return f"micro-batch {self.micro_batch}{folds}{suffix}"


def give_back_memory() -> None:
    """Free what Python and the allocator still hold after a failure."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
