"""Several continuations of a prompt in one row, over one key-value cache.

The tokens of a step are neighbours in their prompt's row; an attention mask lets each see the
prompt and its own continuation alone (a tree, as in SpecInfer, Miao et al. 2024, arXiv 2305.09781).
A prompt's cache is neither copied nor read once per continuation, those that begin with the same
tokens share them, and one that has ended takes no more time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn.attention import sdpa_kernel

from tst.diagnostics.llm.model.answer_head import MASKED_KERNELS, AnswerHead, padded_cache
from tst.diagnostics.llm.model.joined_rows import additive_mask
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoded_questions import Prompt

MOST_CONTINUATIONS = 63
"""Continuations of a prompt are the bits of an int64."""


class SharedRows:
    """The cache of m read prompts, and what their continuations have added to it.

    lengths: int64 (m,), tokens of each prompt; all rows were read with ``width``
    cache: of the prompts; grows with each step
    copies: continuations per prompt, 63 at most; number i belongs to prompt i // copies
    """

    def __init__(
        self, head: AnswerHead, cache: Any, lengths: torch.Tensor, width: int, copies: int
    ) -> None:
        if copies > MOST_CONTINUATIONS:
            raise ValueError(
                f"{copies} continuations of a prompt; {MOST_CONTINUATIONS} share a row"
            )
        self.head, self.cache, self.copies = head, cache, copies
        self.lengths = lengths
        self._dtype: torch.dtype = cache.layers[-1].keys.dtype  # weights may have several
        self._prompt = torch.arange(width, device=lengths.device)[None, :] < lengths[:, None]
        # which continuations each token after the prompts belongs to, as bits
        self._owners = torch.empty(len(lengths), 0, dtype=torch.long, device=lengths.device)

    def step(
        self, tokens: np.ndarray, continuations: np.ndarray, groups: np.ndarray, depth: int
    ) -> torch.Tensor:
        """Logits (m, vocabulary) after the next token of m groups of continuations.

        tokens: int64 (m,), of each group, whose members have the same prompt, tokens before and
            next token; ascending by prompt
        continuations, groups: int64 (n,), numbers of those that go on, and the group of each
        depth: tokens that they had before
        """
        rows = len(self.lengths)
        number = continuations % self.copies
        owners = np.zeros(len(tokens), dtype=np.int64)
        np.bitwise_or.at(owners, groups, np.int64(1) << number)
        first = np.zeros(len(tokens), dtype=np.int64)
        first[groups] = number  # any member's bit is the group's
        row = np.zeros(len(tokens), dtype=np.int64)
        row[groups] = continuations // self.copies
        column = np.arange(len(tokens)) - np.searchsorted(row, row)
        width = int(column.max()) + 1
        flat = np.zeros((3, rows, width), dtype=np.int64)  # padding belongs to none
        flat[:, row, column] = tokens, owners, first
        ids, own_bits, firsts = torch.from_numpy(flat).to(self.lengths.device)
        self._owners = torch.cat([self._owners, own_bits], 1)
        own = (self._owners[:, None, :] >> firsts[:, :, None]) & 1 == 1
        depths = torch.full((rows, width), depth)
        return self.read(ids, depths, own, torch.from_numpy(row * width + column))

    def read(
        self, ids: torch.Tensor, depths: torch.Tensor, own: torch.Tensor, positions: torch.Tensor
    ) -> torch.Tensor:
        """Logits (n, vocabulary) at flat positions of tokens (m, q) after the prompts.

        depths: int64 (m, q), tokens between the prompt and each; own: bool (m, q, tokens so far),
        which of those after the prompt each of them sees, itself among them
        """
        device = self.lengths.device
        own = own.to(device)
        seen = torch.cat([self._prompt[:, None, :].expand(-1, ids.shape[1], -1), own], 2)
        with sdpa_kernel(MASKED_KERNELS):
            logits, _ = self.head.logits(
                ids.to(device),
                positions.to(device),
                attention_mask=additive_mask(seen[:, None], self._dtype),
                position_ids=self.lengths[:, None] + depths.to(device),
                past_key_values=self.cache,
                use_cache=True,
            )
        return logits


def read_prompts(
    head: AnswerHead, prompts: Sequence[Prompt | None], copies: int, multiple: int = 1
) -> tuple[torch.Tensor, SharedRows | None]:
    """Logits (m, vocabulary) at the prompts' ends, and their rows to be continued.

    None for rows of a model whose state cannot be continued.
    """
    device = next(head.model.parameters()).device
    ids, positions = (t.to(device) for t in collate_prompts(prompts, multiple))
    last = positions[:, 0]
    lengths = last - torch.arange(len(ids), device=device) * ids.shape[1] + 1
    texts = [None if prompt is None else prompt.ids for prompt in prompts]
    start = head.beginning(texts, last, ids.shape[1])
    if start:
        logits, output = head.read_from(start, texts, ids, last)
    else:
        logits, output = head.logits(ids, last, use_cache=True)
    cache = padded_cache(output)
    if cache is None:
        return logits, None
    return logits, SharedRows(head, cache, lengths, ids.shape[1], copies)


def decode_side_by_side(
    head: AnswerHead,
    prompts: list[Prompt | None],
    new_tokens: int,
    ended: Callable[[np.ndarray], np.ndarray],
    pick: Callable[..., torch.Tensor],
    copies: int,
    multiple: int = 1,
) -> list[list[int]]:
    """Continuations of each prompt, ``copies`` of them in a row; none where the prompt is None.

    ended: which (n,) of n continuations of the same length (n, tokens) are complete
    pick: next tokens from logits, the numbers of the continuations that they belong to, and the row
        of the logits that each of those reads
    """
    logits, rows = read_prompts(head, prompts, copies, multiple)
    if rows is None:
        raise ValueError("this model's state cannot be continued; ask can_share_rows first")
    present = np.repeat([prompt is not None for prompt in prompts], copies)
    continued = np.zeros((len(present), new_tokens), dtype=np.int64)
    lengths = np.zeros(len(present), dtype=np.int64)
    live = np.arange(len(present))
    read = live // copies  # the row of the logits for each
    for depth in range(new_tokens):
        tokens = pick(logits, live, read).cpu().numpy()
        if depth == 0:
            live, read, tokens = live[present], read[present], tokens[present]
        continued[live, depth] = tokens
        lengths[live] = depth + 1
        # those that begin alike are one group; rows of logits ascend with their prompts
        alike = read * logits.shape[1] + tokens
        _, first, group = np.unique(alike, return_index=True, return_inverse=True)
        goes_on = ~ended(continued[live[first], : depth + 1])
        if not goes_on.any() or depth + 1 == new_tokens:
            break
        chosen = goes_on[group]
        live, read = live[chosen], (np.cumsum(goes_on) - 1)[group[chosen]]
        logits = rows.step(tokens[first[goes_on]], live, read, depth)
    return [own[:n].tolist() for own, n in zip(continued, lengths, strict=True)]
