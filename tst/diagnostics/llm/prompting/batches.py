"""Which questions share a forward pass, for one fold or for several at once.

A batch is rows [k folds][b questions]; a row is a position in that fold's own list, or -1 for an
empty place. One fold alone is the case k = 1, so that both kinds of training and all scoring share
this code.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example

LENGTH_JITTER = 0.1
EMPTY = -1
ABSENT = -1e4
"""Offset of a choice that is none: its probability is 0 in float32."""


@dataclass
class Batch:
    """Token ids of k x b right-padded rows, and where in them answers are read.

    input_ids: int64 (k * b, L), fold-major
    positions: int64 (k * b * p,), flat positions (row * L + column), p per row
    targets: int64 (k * b * p,), the token after each position; 0 where there is none to learn
    weights: float32 (k * b * p,), 1 / (units of the fold's optimizer step); 0 where no token is
        learned. Both are empty where no question has target tokens.
    goals: float32 (k * b, p), what the softmax over a row's options is to be, times its weight;
        zeros for other rows, (k * b, 0) where no question is scored by options
    offsets: the same shape, added to the options' scores; very low where there is no option
    number_goals, number_offsets: the same for number slots, (k * b, SLOTS) or (k * b, 0)
    dropout_keys: int64 (k * b,), what each row's dropout masks are drawn from
    fed: token ids of each row; None for an empty one
    tokens: int, tokens that are not padding
    """

    input_ids: torch.Tensor
    positions: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    goals: torch.Tensor
    offsets: torch.Tensor
    number_goals: torch.Tensor
    number_offsets: torch.Tensor
    dropout_keys: torch.Tensor
    fed: list[list[int] | None]
    tokens: int

    def inputs(self) -> dict[str, torch.Tensor]:
        """The tensors by name."""
        plain = ("fed", "tokens")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in plain}

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; copies do not wait for the device."""
        moved = {name: t.to(device, non_blocking=True) for name, t in self.inputs().items()}
        return Batch(**moved, fed=self.fed, tokens=self.tokens)


@dataclass(frozen=True)
class Layout:
    """What every batch of a training run has room for: static shapes, for captured passes.

    width: tokens per row; 0: as long as the longest of the batch
    positions: read positions per row; 0: of every row its own target tokens, nothing else
    tokens, options: whether any question learns tokens, or options
    number_slots: slots of a number; 0 where none is learned
    """

    width: int
    positions: int
    tokens: bool
    options: bool
    number_slots: int


PAIRS = Layout(width=0, positions=0, tokens=True, options=False, number_slots=0)


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


def plan_shuffled_steps(n: int, batch_size: int, epochs: float, seed: int) -> list[np.ndarray]:
    """The questions of each optimizer step as transformers' Trainer draws them from ``data_seed``.

    Every epoch is one permutation, cut into steps. Trainers that build on transformers then take
    the same steps with the same seed (its ``SeedableRandomSampler``, accelerate 1.11).
    """
    per_epoch = math.ceil(n / batch_size)
    total = max(1, math.ceil(per_epoch * epochs - 1e-9))
    steps: list[np.ndarray] = []
    for epoch in range(math.ceil(total / per_epoch)):
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch)).numpy()
        steps += [order[i : i + batch_size] for i in range(0, n, batch_size)]
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
    rows: list[list[tuple[Example, Prompt] | None]],
    step_units: Sequence[int],
    layout: Layout,
    dropout_keys: Sequence[int] | None = None,
) -> Batch:
    """One pass to train on: k folds' rows, each a question as it is shown; None for empty places.

    step_units: units in each fold's whole optimizer step (its loss is their mean)
    dropout_keys: one per row, fold-major; 0 where dropout does not read them
    The last target token is not fed in: nothing is read after it.
    """
    flat = [(j, shown) for j, fold in enumerate(rows) for shown in fold]
    n = len(flat)
    per_row = layout.positions or max(len(s[0].target) for _, s in flat if s is not None)
    feds = [s[0].fed_ids(s[1]) if s is not None else None for _, s in flat]
    width = layout.width or max(len(ids) for ids in feds if ids is not None)
    ids = torch.zeros(n, width, dtype=torch.long)
    positions = np.repeat(np.arange(n) * width, per_row).reshape(n, per_row)
    targets, weights = np.zeros((n, per_row), dtype=np.int64), np.zeros((n, per_row))
    choices = [np.zeros((n, per_row)), np.full((n, per_row), ABSENT)]
    numbers = [np.zeros((n, layout.number_slots)), np.full((n, layout.number_slots), ABSENT)]
    tokens = 0
    for i, (j, shown) in enumerate(flat):
        fed = feds[i]
        if shown is None or fed is None:
            continue
        example, prompt = shown
        ids[i, : len(fed)] = torch.tensor(fed)
        tokens += len(fed)
        weight = 1.0 / step_units[j]
        last = i * width + len(prompt.ids) - 1
        if example.target:
            size = len(example.target)
            share = 1.0 if example.by_token else 1.0 / size
            positions[i, :size] = np.arange(last, last + size)
            targets[i, :size], weights[i, :size] = example.target, weight * share
        if example.number:
            positions[i, 0] = last
            numbers[0][i], numbers[1][i] = example.goals * weight, example.offsets
        if prompt.ends:
            size = len(prompt.ends)
            positions[i, :size] = i * width + np.array(prompt.ends)
            choices[0][i, :size] = example.goals * weight
            choices[1][i, :size] = example.offsets
    read = np.ones(n * per_row, dtype=bool) if layout.positions else weights.reshape(-1) > 0
    learned = read if layout.tokens else np.zeros_like(read)
    options = slice(None) if layout.options else slice(0)
    return Batch(
        ids,
        torch.from_numpy(positions.reshape(-1)[read]),
        torch.from_numpy(targets.reshape(-1)[learned]),
        torch.from_numpy(weights.reshape(-1)[learned]).float(),
        torch.from_numpy(choices[0][:, options]).float(),
        torch.from_numpy(choices[1][:, options]).float(),
        torch.from_numpy(numbers[0]).float(),
        torch.from_numpy(numbers[1]).float(),
        torch.tensor(dropout_keys if dropout_keys is not None else [0] * n),
        feds,
        tokens,
    )


def collate_pairs(
    folds: Sequence[Sequence[tuple[list[int], list[int]] | None]],
    step_units: Sequence[int],
    dropout_keys: Sequence[int] | None = None,
) -> Batch:
    """(prompt, target) token ids of k folds, each row with its own number of read positions."""
    rows: list[list[tuple[Example, Prompt] | None]] = [
        [None if p is None else (Example([Prompt(p[0])], p[1]), Prompt(p[0])) for p in pairs]
        for pairs in folds
    ]
    return collate_training(rows, step_units, PAIRS, dropout_keys)


def collate_prompts(
    prompts: Sequence[Prompt | None], multiple: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts to read (None for empty places): input_ids (n, L) and flat positions (n, p).

    Positions are the options' ends, or the last token where a prompt has none.
    """
    width = round_up(max(len(p.ids) for p in prompts if p is not None), multiple)
    per_row = max(len(p.ends) or 1 for p in prompts if p is not None)
    ids = torch.zeros(len(prompts), width, dtype=torch.long)
    positions = torch.arange(len(prompts))[:, None].mul(width).repeat(1, per_row)
    for i, prompt in enumerate(prompts):
        if prompt is not None:
            ids[i, : len(prompt.ids)] = torch.tensor(prompt.ids)
            ends = torch.tensor(prompt.ends or [len(prompt.ids) - 1])
            positions[i, : len(ends)] += ends
    return ids, positions
