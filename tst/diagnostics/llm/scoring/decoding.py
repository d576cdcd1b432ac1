"""Batched decoding with a key-value cache: greedy, or arithmetic sampling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tst.diagnostics.llm.model.answer_head import (
    FLOAT_LOGITS,
    AnswerHead,
    kept_state,
    padded_cache,
)
from tst.diagnostics.llm.model.reading_limits import attention_window
from tst.diagnostics.llm.model.trials import FAILURES
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoded_questions import Prompt

BLOCK = 128
"""Tokens whose probabilities are summed before they are looked at."""


class Greedy:
    """The most likely next token of each row."""

    copies = 1

    def fresh(self) -> Greedy:
        """One for another batch."""
        return self

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        """Next tokens (m,) from logits (m, vocabulary)."""
        return logits.argmax(dim=1)


class ArithmeticSampling:
    """Several continuations per prompt, spread evenly over the model's distribution of answers.

    Arithmetic sampling (Vilnis et al. 2023, arXiv 2210.15458): continuation i of n decodes the code
    (i + 1/2) / n as an arithmetic coder would. It needs no random numbers, and its averages vary
    less than those of independent samples. One instance serves one batch.
    """

    def __init__(self, copies: int) -> None:
        self.copies = copies
        self._codes: torch.Tensor | None = None

    def fresh(self) -> ArithmeticSampling:
        """One for another batch."""
        return ArithmeticSampling(self.copies)

    def __call__(
        self,
        logits: torch.Tensor,
        continuations: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> torch.Tensor:
        """Next tokens (n,) of n continuations; all m * copies of them, prompt-major, at first.

        logits: (m, vocabulary), of the prompts at first
        continuations: which of them; None: all, in their order
        rows: of the logits, ascending, which each of them reads; None: one each, after the first
        """
        if self._codes is None:
            even = torch.arange(self.copies, dtype=torch.float64, device=logits.device)
            self._codes = ((even + 0.5) / self.copies).repeat(len(logits))
            reads = np.arange(len(logits)).repeat(self.copies)
        else:
            reads = np.arange(len(logits)) if rows is None else np.asarray(rows)
        asked = np.arange(len(self._codes)) if continuations is None else np.asarray(continuations)
        which = torch.from_numpy(asked).to(logits.device)
        codes = self._codes[which]
        size = max(1, FLOAT_LOGITS // logits.shape[1])
        found = []
        for start in range(0, len(logits), size):
            own = slice(*np.searchsorted(reads, [start, start + size]).tolist())
            row = torch.from_numpy(reads[own] - start).to(logits.device)
            found.append(_decode_codes(logits[start : start + size], row, codes[own]))
        tokens, left = zip(*found, strict=True)
        self._codes[which] = torch.cat(left)
        return torch.cat(tokens)


def _decode_codes(
    logits: torch.Tensor, rows: torch.Tensor, codes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The tokens whose share of [0, 1) holds each code (n,), and where in that share it lies.

    rows: of the logits, int64 (n,), which each code reads. First the block of tokens that holds a
    code is found, then the token: most of a vocabulary is summed.
    """
    p = torch.softmax(logits, dim=1, dtype=torch.float32)
    if p.shape[1] % BLOCK:
        p = nn.functional.pad(p, (0, -p.shape[1] % BLOCK))
    blocks = p.view(len(p), -1, BLOCK)
    # float64 where it is small: a whole vocabulary of it is more traffic than the softmax
    sums = blocks.sum(2, dtype=torch.float64)
    block, place = _find_share(sums[rows], codes)
    token, inside = _find_share(blocks[rows, block].double(), place)
    return block * BLOCK + token, inside


def _find_share(shares: torch.Tensor, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which of m shares (n, m), laid out one after the other, holds each code (n,) of [0, 1), and
    where in it, again as of [0, 1).
    """
    ends = shares.cumsum(1)
    at = codes[:, None] * ends[:, -1:]
    found = torch.searchsorted(ends, at, right=True).clamp(max=shares.shape[1] - 1)
    size = shares.gather(1, found)
    start = ends.gather(1, found) - size
    inside = (at - start) / size.clamp(min=torch.finfo(torch.float64).tiny)
    return found[:, 0], inside[:, 0].clamp(0.0, 1.0 - 1e-12)


@dataclass(frozen=True)
class PromptLayout:
    """How prompts lie in a batch.

    folds: adapters whose prompts follow each other, as many of each; None marks an empty place
    multiple: rows are padded to multiples of this
    padded: whether the model continues padded prompts rightly (``can_copy_rows``)
    """

    folds: int = 1
    multiple: int = 1
    padded: bool = True


def decode(
    head: AnswerHead,
    prompts: list[Prompt | None],
    new_tokens: int,
    stop_ids: list[int],
    pick: Greedy | ArithmeticSampling,
    layout: PromptLayout = PromptLayout(),
) -> list[list[int]]:
    """Continuations of each prompt, ``pick.copies`` of them in a row; ends when all have stopped.

    Returned ids include the stop token where there is one; an empty place may have any. Prompts of
    one length at a time where a sliding window would count the padding between a prompt and its
    continuation, a recurrent state would have read it, or the model cannot be padded.
    """
    widest = max(len(p.ids) for p in prompts if p is not None) + new_tokens + layout.multiple
    window = attention_window(head.model.config)  # type: ignore[arg-type]
    if layout.padded and (window is None or widest <= window):
        found = _decode_cached(head, prompts, new_tokens, stop_ids, pick, layout)
        if found is not None:
            return found
    found = [[] for _ in range(len(prompts) * pick.copies)]
    for places in _of_one_length(prompts, layout.folds):
        alike = [None if place is None else prompts[place] for place in places]
        try:
            own = _decode_cached(head, alike, new_tokens, stop_ids, pick.fresh())
        except torch.OutOfMemoryError:
            raise
        except FAILURES:  # some classes have a cache that does not work
            own = None
        if own is None:
            own = _decode_uncached(head, alike, new_tokens, stop_ids, pick.fresh())
        for row, place in enumerate(places):
            if place is not None:
                for copy in range(pick.copies):
                    found[place * pick.copies + copy] = own[row * pick.copies + copy]
    return found


def _of_one_length(prompts: list[Prompt | None], folds: int) -> Iterator[list[int | None]]:
    """Places of prompts of the same length, as many of each fold; None fills them up."""
    each = len(prompts) // folds
    by_length: dict[int, list[list[int | None]]] = {}
    for place, prompt in enumerate(prompts):
        if prompt is not None:
            rows = by_length.setdefault(len(prompt.ids), [[] for _ in range(folds)])
            rows[place // each].append(place)
    for rows in by_length.values():
        most = max(map(len, rows))
        yield [place for own in rows for place in [*own, *[None] * (most - len(own))]]


def _decode_cached(
    head: AnswerHead,
    prompts: list[Prompt | None],
    new_tokens: int,
    stop_ids: list[int],
    pick: Greedy | ArithmeticSampling,
    layout: PromptLayout | None = None,
) -> list[list[int]] | None:
    """``decode`` from the prompts' cache; None where the model leaves none that can be continued.

    layout: None for prompts of one length, where nothing has to be masked
    """
    device = next(head.model.parameters()).device
    ids, positions = (
        t.to(device) for t in collate_prompts(prompts, layout.multiple if layout else 1)
    )
    rows, width = ids.shape
    last = positions[:, 0]
    lengths = last - torch.arange(rows, device=device) * width + 1
    # Prompts stay right-padded (left padding feeds fully masked rows to attention). Prefill needs
    # no mask; afterwards the padding lies between a prompt and its continuation and is masked out.
    logits, output = head.logits(ids, last, use_cache=True)
    name, cache = kept_state(output)
    if cache is None or (layout is not None and padded_cache(output) is None):
        return None
    if pick.copies > 1:
        cache.reorder_cache(torch.arange(rows, device=device).repeat_interleave(pick.copies))
    lengths = lengths.repeat_interleave(pick.copies)
    flat = torch.arange(rows * pick.copies, device=device)
    mask = torch.zeros(len(flat), width + new_tokens, dtype=torch.long, device=device)
    mask[:, :width] = torch.arange(width, device=device)[None, :] < lengths[:, None]
    done = torch.tensor([p is None for p in prompts], device=device).repeat_interleave(pick.copies)
    stops = torch.tensor(stop_ids, device=device)
    tokens = []
    for step in range(new_tokens):
        token = pick(logits)
        tokens.append(token)
        done = done | torch.isin(token, stops)
        if step + 1 == new_tokens or bool(done.all()):
            break
        mask[:, width + step] = 1
        seen: dict[str, Any] = {}
        if layout is not None:
            seen["attention_mask"] = mask[:, : width + step + 1]
            seen["position_ids"] = (lengths + step)[:, None]
        logits, _ = head.logits(token[:, None], flat, use_cache=True, **{name: cache}, **seen)
    return [_until_stop(row, stop_ids) for row in torch.stack(tokens, dim=1).tolist()]


def _decode_uncached(
    head: AnswerHead,
    prompts: list[Prompt | None],
    new_tokens: int,
    stop_ids: list[int],
    pick: Greedy | ArithmeticSampling,
) -> list[list[int]]:
    """The same, reading the whole text again for each token: of a model without a cache."""
    device = next(head.model.parameters()).device
    read = [prompts]  # one copy of all rows a forward pass
    continued: list[list[int]] = [[] for _ in range(len(prompts) * pick.copies)]
    done = [p is None for p in prompts for _ in range(pick.copies)]
    for _ in range(new_tokens):
        parts = []
        for ids, positions in map(collate_prompts, read):
            last = positions[:, 0].to(device)
            parts.append(head.logits(ids.to(device), last, use_cache=False)[0])
        logits = torch.stack(parts, dim=1).flatten(0, 1)
        for i, token in enumerate(pick(logits).tolist()):
            if not done[i]:
                continued[i].append(token)
                done[i] = token in stop_ids
        if all(done):
            break
        copies = [continued[copy :: pick.copies] for copy in range(pick.copies)]
        read = [
            [None if p is None else Prompt(p.ids + c) for p, c in zip(prompts, copy, strict=True)]
            for copy in copies
        ]
    return continued


def _until_stop(ids: list[int], stop_ids: list[int]) -> list[int]:
    for at, token in enumerate(ids):
        if token in stop_ids:
            return ids[: at + 1]
    return ids
