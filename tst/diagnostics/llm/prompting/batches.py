"""Which questions share a forward pass, for one fold or for several at once.

A batch is rows [k folds][b questions]; a row is a position in that fold's own list, or -1 for an
empty place. One fold alone is the case k = 1, so that both kinds of training and all scoring share
this code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

LENGTH_JITTER = 0.1
EMPTY = -1


@dataclass
class Batch:
    """Token ids of k x b right-padded rows, and where in them answers are read.

    input_ids: int64 (k * b, L), fold-major
    positions: int64 (m,), flat positions (row * L + column) whose next token matters
    targets: int64 (m,), that next token; 0 where there is none to learn
    weights: float32 (m,), 1 / (target tokens of the fold's optimizer step); 0 for empty places
    dropout_keys: int64 (k * b,), what each row's dropout masks are drawn from
    tokens: int, tokens that are not padding
    """

    input_ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    dropout_keys: torch.Tensor
    tokens: int

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; copies do not wait for the device."""
        return Batch(
            self.input_ids.to(device, non_blocking=True),
            self.positions.to(device, non_blocking=True),
            self.targets.to(device, non_blocking=True),
            self.weights.to(device, non_blocking=True),
            self.dropout_keys.to(device, non_blocking=True),
            self.tokens,
        )


def plan_steps(
    lengths: Sequence[int], batch_size: int, epochs: float, seed: int, order_seed: int
) -> list[np.ndarray]:
    """The questions of each optimizer step of one fold, of similar lengths.

    Questions are sorted by length times a random factor, so that a step has little padding and yet
    mixes question types; every epoch draws again. Which questions share a step follows from
    ``seed`` (the fold's own). The order of lengths follows from ``order_seed``, the same for all
    folds of a repeat: the steps of folds trained at once then have similar lengths. Every question
    is used once per epoch; a last fractional epoch stops early.
    """
    n = len(lengths)
    if n == 0:
        raise ValueError("plan_steps: no question to learn from")
    per_epoch = math.ceil(n / batch_size)
    total = max(1, math.ceil(per_epoch * epochs - 1e-9))
    steps: list[np.ndarray] = []
    epoch = 0
    while len(steps) < total:
        draw = np.random.default_rng([seed, epoch])
        factor = np.exp(LENGTH_JITTER * draw.standard_normal(n))
        order = np.argsort(np.asarray(lengths) * factor, kind="stable")
        groups = [order[i : i + batch_size] for i in range(0, n, batch_size)]
        # ranks of a common sequence: one step more or less moves each of them by at most one
        visit = np.random.default_rng([order_seed, epoch]).random(per_epoch).argsort().argsort()
        steps += [groups[i] for i in visit]
        epoch += 1
    return steps[:total]


def plan_scoring(
    lengths: Sequence[Sequence[int]], padded_tokens: int, multiple: int = 1
) -> Iterator[np.ndarray]:
    """Batches (k, b) that hold every row of each fold's list once, longest first.

    Rows are sorted by length, so that a batch has little padding; ``padded_tokens`` bounds the
    size of a batch, k * b * L. Longest first shows early whether memory suffices.
    """
    orders = [np.argsort(-np.asarray(n, dtype=int), kind="stable") for n in lengths]
    rest = max((len(o) for o in orders), default=0)
    start = 0
    while start < rest:
        longest = max(int(lengths[j][o[start]]) for j, o in enumerate(orders) if start < len(o))
        width = max(1, padded_tokens // (len(orders) * round_up(longest, multiple)))
        rows = np.full((len(orders), min(width, rest - start)), EMPTY)
        for j, order in enumerate(orders):
            part = order[start : start + rows.shape[1]]
            rows[j, : len(part)] = part
        yield rows
        start += rows.shape[1]


def round_up(length: int, multiple: int) -> int:
    """The smallest multiple that is at least this length."""
    return -(-length // multiple) * multiple


def collate_training(
    rows: list[list[tuple[list[int], list[int]] | None]],
    step_targets: Sequence[int],
    width: int = 0,
    per_row: int = 0,
    dropout_keys: Sequence[int] | None = None,
) -> Batch:
    """One pass to train on: (prompt, target) ids of k folds' rows, None for empty places.

    step_targets: target tokens in each fold's whole optimizer step (its loss is their mean)
    width: tokens that rows are padded to (0: as long as the longest)
    per_row: target positions kept for every row, for static shapes (0: as many as there are)
    dropout_keys: one per row, fold-major; 0 where dropout does not read them
    The last target token is not fed in: nothing is read after it.
    """
    flat = [(j, pair) for j, fold in enumerate(rows) for pair in fold]
    longest = max((len(p[0]) + len(p[1]) - 1 for _, p in flat if p is not None), default=1)
    width = width or longest
    ids = torch.zeros(len(flat), width, dtype=torch.long)
    positions: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    tokens = 0
    for i, (j, pair) in enumerate(flat):
        prompt, target = pair if pair is not None else ([0], [])
        fed = prompt + target[:-1]
        ids[i, : len(fed)] = torch.tensor(fed)
        first = i * width + len(prompt) - 1
        spare = max(per_row - len(target), 0)
        positions += [*range(first, first + len(target)), *[i * width] * spare]
        targets += [*target, *[0] * spare]
        weights += [1.0 / step_targets[j]] * len(target) + [0.0] * spare
        tokens += len(fed) if pair is not None else 0
    if not positions:  # an empty micro-batch: still a loss, of 0, for backward to start from
        positions, targets, weights = [0], [0], [0.0]
    return Batch(
        ids,
        torch.tensor(positions),
        torch.tensor(targets),
        torch.tensor(weights),
        torch.tensor(dropout_keys if dropout_keys is not None else [0] * len(flat)),
        tokens,
    )


def collate_prompts(prompts: list[list[int] | None], multiple: int = 1) -> Batch:
    """Prompts to score (None for empty places): one answer position per row, its last token."""
    width = round_up(max(len(p) for p in prompts if p is not None), multiple)
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    last = []
    for i, prompt in enumerate(prompts):
        fed = prompt if prompt is not None else [0]
        ids[i, : len(fed)] = torch.tensor(fed)
        last.append(i * width + len(fed) - 1)
    nothing = torch.zeros(len(prompts), dtype=torch.long)
    tokens = sum(len(p) for p in prompts if p)
    return Batch(ids, torch.tensor(last), nothing, nothing.float(), nothing, tokens)
