"""Texts that begin alike in one row: their beginning is computed once, and so is its gradient.

A row holds the beginning, then what follows it in each of its texts. Tokens keep the positions that
they have in their texts, and each sees the beginning and its own text alone: the states of every
token, and all gradients, are those of rows that hold one text each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

LEAST_ALIKE = 8
"""Tokens that texts must share to be read once: a pass of its own costs as much as a few."""
MOST_JOINED = 4
"""Texts in a row: attention computes what they do not see of each other, too."""
LEAST_SAVED = 0.1
"""Of the tokens, for rows to be joined: attention over long rows costs a part of it."""
_SHARED, _PADDING = 0, -1


@dataclass(frozen=True)
class JoinedRows:
    """Where tokens of right-padded texts (rows, width) stand in joined rows (m, joined width).

    source: int64 (m, joined width), flat place of each token in the texts; 0 in padding
    places: int64 (rows * width,), flat place in the joined rows of each token of the texts
    positions: int64 (m, joined width), of each token in its text
    sees: bool (m, joined width, joined width), which tokens each token attends to
    """

    source: torch.Tensor
    places: torch.Tensor
    positions: torch.Tensor
    sees: torch.Tensor

    def to(self, device: torch.device) -> JoinedRows:
        """The same on a device."""
        parts = (self.source, self.places, self.positions, self.sees)
        return JoinedRows(*(part.to(device) for part in parts))


def after_beginning(cache: Any, repeats: int, start: int, width: int) -> dict[str, Any]:
    """What a model is given with the rest of rows (n, width) whose beginning it has read.

    cache: of the beginnings, ``start`` tokens each; each is followed by so many rows (repeats)
    """
    cache.batch_repeat_interleave(repeats)
    keys = next(layer.keys for layer in cache.layers if layer.is_initialized)
    mask = causal_mask(start, width, keys.dtype, keys.device)  # weights may have another dtype
    return {
        "attention_mask": mask.expand(len(keys), -1, -1, -1),
        "position_ids": torch.arange(start, width, device=keys.device).expand(len(keys), -1),
        "past_key_values": cache,
        "use_cache": True,
    }


def causal_mask(start: int, width: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Additive mask (1, 1, width - start, width) of rows whose first ``start`` tokens are cached.

    For attention without a flag for it: transformers' own mask copies from the host, which a CUDA
    graph cannot hold.
    """
    seen = torch.ones(1, 1, width - start, width, dtype=torch.bool, device=device)
    return additive_mask(seen.tril(start), dtype)


def additive_mask(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """What is added to attention's scores: 0 where a token is seen (bool), else the least number.

    Attention wants it in the dtype of queries and keys.
    """
    return torch.zeros_like(seen, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)


def common_beginning(texts: Sequence[Sequence[int]]) -> int:
    """Tokens that all of these texts begin with."""
    ordered = [list(text) for text in texts]
    low, high = min(ordered), max(ordered)  # what these two share, all between them do
    most = min(len(low), len(high))
    return next((i for i in range(most) if low[i] != high[i]), most)


def join_rows(texts: Sequence[Sequence[int] | None], width: int, folds: int) -> JoinedRows | None:
    """Joins neighbours of each fold; None where that saves too few tokens.

    texts: of right-padded rows of this width, fold-major, as many of each fold; None is empty
    """
    per_fold = len(texts) // folds
    groups = [
        [row for row in range(start, min(start + MOST_JOINED, end)) if texts[row] is not None]
        for end in range(per_fold, len(texts) + 1, per_fold)
        for start in range(end - per_fold, end, MOST_JOINED)
    ]
    joined = [_join([texts[row] or () for row in group]) for group in groups]
    wide = max(len(columns) for _, columns, _ in joined)
    if wide * len(groups) > (1.0 - LEAST_SAVED) * width * len(texts):
        return None
    source = np.zeros((len(groups), wide), dtype=np.int64)
    positions = np.zeros((len(groups), wide), dtype=np.int64)
    owners = np.full((len(groups), wide), _PADDING)
    places = np.zeros((len(texts), width), dtype=np.int64)
    for i, (group, (own, columns, starts)) in enumerate(zip(groups, joined, strict=True)):
        n = len(columns)
        owners[i, :n], positions[i, :n] = own, columns
        # the beginning is copied from the first text
        source[i, :n] = np.take(group, np.maximum(own - 1, 0)) * width + columns if n else 0
        for row, (alike, start) in zip(group, starts, strict=True):
            size = len(texts[row] or ())
            at = np.arange(size)
            places[row, :size] = i * wide + np.where(at < alike, at, at - alike + start)
    sees = (owners[:, None, :] == _SHARED) | (owners[:, None, :] == owners[:, :, None])
    return JoinedRows(
        torch.from_numpy(source),
        torch.from_numpy(places.reshape(-1)),
        torch.from_numpy(positions),
        torch.from_numpy(sees).tril(),
    )


def _join(
    texts: Sequence[Sequence[int]],
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """One row of texts: whose each token is (0: all texts'; else text number, from 1) and its
    position there; and of each text the length of the beginning and where the rest of it starts.
    """
    alike = common_beginning(texts) if len(texts) > 1 else 0
    alike = alike if alike >= LEAST_ALIKE else 0
    owners, columns = [np.full(alike, _SHARED)], [np.arange(alike)]
    starts = []
    end = alike
    for number, text in enumerate(texts, start=1):
        rest = np.arange(alike, len(text))
        starts.append((alike, end))
        owners.append(np.full(len(rest), number))
        columns.append(rest)
        end += len(rest)
    return np.concatenate(owners), np.concatenate(columns), starts
