"""How training and scoring fit in memory: smaller micro-batches, then gradient checkpointing.

The effective batch never changes.
"""

from __future__ import annotations

import gc
import math
from dataclasses import dataclass, field

import torch

from tst.core.errors import ComputingError
from tst.diagnostics.llm.model.layers import ALL_LAYERS
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.model.quantization import total_memory
from tst.diagnostics.llm.settings import LoraSettings

SCORE_TOKENS = {"cpu": 2048, "cuda": 32768}
"""Most padded tokens in a scoring batch: more are no faster."""
SCORE_SHARE = 0.25
"""Of the memory that weights leave: adapters, kept states and gaps need the rest."""
PASS_SHARE = 0.25
"""Of it for what a training pass keeps for its gradient: a captured pass holds that twice, once in
the graph's own memory and once in what the pass before it left."""
CACHE_COPIES = 2
"""Copies of its cache that a batch of so many tokens has memory for."""
MOST_CACHE_COPIES = 8
"""The same where answers are decoded: a GPU is done with a step before the next one is launched."""


@dataclass
class MemoryPlan:
    """How a training run is made to fit into memory.

    micro_batch: questions of each fold in a forward pass
    folds: folds trained at once
    proven: the longest batch has fitted
    halved: how often memory was too short for a pass
    """

    micro_batch: int
    folds: int = field(default=1, kw_only=True)
    checkpointing: bool = field(default=False, kw_only=True)
    proven: bool = field(default=False, kw_only=True)
    halved: int = field(default=0, kw_only=True)

    def shrink(self) -> None:
        """The next smaller way to run; raises ComputingError when there is none."""
        self.proven = False
        if self.micro_batch > 1:
            self.micro_batch = (self.micro_batch + 1) // 2
            self.halved += 1
        elif self.folds > 1:
            self.folds = (self.folds + 1) // 2
        elif not self.checkpointing:
            self.checkpointing = True
        else:
            raise ComputingError(
                "Out of memory with one question a forward pass and gradient checkpointing.\n"
                "Use model.quantization=nf4, a smaller diagnostic.max_length, or a smaller model."
            )

    def fold_tokens(self, base: BaseModel, settings: LoraSettings, folds: int) -> float:
        """Most padded tokens of each of so many folds in a pass, by the device's memory.

        Infinite where the questions of a pass are set, or its layers are recomputed.
        """
        if settings.micro_batch or self.checkpointing:
            return math.inf
        return training_tokens(base, settings) / folds / 2**self.halved

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
    sizes = _LayerSizes(base)
    cache = 2 * sizes.layers * sizes.keys
    passing = 8 * sizes.hidden + 3 * sizes.inside
    room = SCORE_SHARE * _beside_weights(base)
    fit = room / (base.dtype.itemsize * (CACHE_COPIES * cache + passing))
    return int(min(most, max(1024, 2 ** math.floor(math.log2(max(fit, 1.0))))))


def decoding_copies(base: BaseModel, tokens: int) -> int:
    """Copies of the cache of a scoring batch of so many tokens that decoding may fill."""
    if base.device.type == "cpu":
        return CACHE_COPIES
    sizes = _LayerSizes(base)
    cache = 2 * sizes.layers * sizes.keys * base.dtype.itemsize * tokens
    fit = int(SCORE_SHARE * _beside_weights(base) / cache)
    return min(MOST_CACHE_COPIES, max(CACHE_COPIES, fit))


def training_tokens(base: BaseModel, settings: LoraSettings) -> float:
    """Padded tokens of a training pass, all rows together, by the device's memory and the model.

    Counted are the layers with adapters: what norms, attention and gates read, and the inputs of
    linear layers after dropout. Infinite on a CPU.
    """
    if base.device.type == "cpu":
        return math.inf
    sizes = _LayerSizes(base)
    layers = sizes.layers if settings.top_layers == ALL_LAYERS else int(settings.top_layers)
    kept = 4 * sizes.hidden + 3 * sizes.queries + 2 * sizes.keys + 3 * sizes.inside
    return PASS_SHARE * _beside_weights(base) / (base.dtype.itemsize * layers * kept)


class _LayerSizes:
    """Numbers per token in a model's layers.

    layers: how many; hidden: of a layer's state; inside: of its gated part; queries, keys: of
    attention
    """

    def __init__(self, base: BaseModel) -> None:
        config = base.model.config.get_text_config()
        known = config.to_dict()
        self.layers: int = config.num_hidden_layers
        self.hidden: int = config.hidden_size
        self.inside: int = known.get("intermediate_size") or 4 * self.hidden
        head = known.get("head_dim") or self.hidden // config.num_attention_heads
        self.queries: int = config.num_attention_heads * head
        self.keys: int = (known.get("num_key_value_heads") or config.num_attention_heads) * head


def _beside_weights(base: BaseModel) -> float:
    """Bytes of the device's memory that the weights leave."""
    held = [*base.model.parameters(), *base.model.buffers()]
    return total_memory(base.device) - sum(t.numel() * t.element_size() for t in held)


def give_back_memory() -> None:
    """Free what Python and the allocator still hold after a failure."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
