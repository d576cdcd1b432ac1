"""How training and scoring fit in memory: smaller micro-batches, then gradient checkpointing.

The effective batch never changes.
"""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass, field

import torch

from tst.core.errors import UserError
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.model.quantization import total_memory

SCORE_TOKENS = {"cpu": 2048, "cuda": 32768}
"""Most padded tokens in a scoring batch: more are no faster."""
SCORE_SHARE = 0.25
"""Of the memory that weights leave: adapters, kept states and gaps need the rest."""
CACHE_COPIES = 2
"""Copies of its cache that a batch of so many tokens has memory for."""


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


def scoring_tokens(base: BaseModel) -> int:
    """Padded tokens in a scoring batch: a power of two, by the device's memory and the model.

    From the memory that the device has in all: what else runs there changes no batch.
    """
    most = SCORE_TOKENS[base.device.type]
    if base.device.type == "cpu":
        return most
    config = base.model.config.get_text_config()
    known = config.to_dict()
    hidden = config.hidden_size
    heads = known.get("num_key_value_heads") or config.num_attention_heads
    head_size = known.get("head_dim") or hidden // config.num_attention_heads
    cache = 2 * config.num_hidden_layers * heads * head_size
    passing = 8 * hidden + 3 * (known.get("intermediate_size") or 4 * hidden)
    held = [*base.model.parameters(), *base.model.buffers()]
    weights = sum(tensor.numel() * tensor.element_size() for tensor in held)
    room = SCORE_SHARE * (total_memory(base.device) - weights)
    fit = room / (base.dtype.itemsize * (CACHE_COPIES * cache + passing))
    return int(min(most, max(1024, 2 ** math.floor(math.log2(max(fit, 1.0))))))


def give_back_memory() -> None:
    """Free what Python and the allocator still hold after a failure."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
