"""Which passes through the model make up each optimizer step, of one fold or of several at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tst.diagnostics.llm.prompting.batches import Batch, collate_training, plan_steps, round_up
from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training.dropout import dropout_keys
from tst.diagnostics.llm.training.fold_optimizer import fold_rates
from tst.diagnostics.llm.training.loss_history import LossHistory, training_history

# a padded length of its own costs a capture, about three plain steps
FEWEST_STEPS = 4
MOST_WIDTHS = 24


@dataclass
class FoldTask:
    """What one fold trains on, and its seeds.

    examples: (prompt, target) token ids of all training questions
    seed: LoRA initialisation, dropout and which questions share a step
    order_seed: which lengths come when; one for all folds of a repeat
    """

    examples: list[tuple[list[int], list[int]]]
    seed: int
    order_seed: int

    def input_tokens(self, example: int) -> int:
        """Tokens of one example that are fed in: all but the last target."""
        return sum(map(len, self.examples[example])) - 1

    def steps(self, settings: LoraSettings) -> list[list[int]]:
        """The examples of each optimizer step, by position."""
        lengths = [len(p) + len(t) for p, t in self.examples]
        plan = plan_steps(lengths, settings.batch_size, settings.epochs, self.seed, self.order_seed)
        return [step.tolist() for step in plan]


class StepCollator:
    """Turns an optimizer step's number into its passes; k tasks at once make k-wide rows.

    A pass holds ``micro_batch`` questions per fold where rows are longest, more where they are
    shorter, and at most the whole step; a fold that has no question left for a place, or no step
    left, gets an empty one.

    multiple: above 1, shapes are static: rows are padded to few widths, multiples of this
    rates, active: each fold's schedule, as of ``fold_rates``
    """

    def __init__(
        self, tasks: Sequence[FoldTask], settings: LoraSettings, micro_batch: int, multiple: int = 1
    ) -> None:
        self.tasks = tasks
        self.plans = [task.steps(settings) for task in tasks]
        counts = [len(plan) for plan in self.plans]
        warmup = [warmup_steps(settings, n) for n in counts]
        self.rates, self.active = fold_rates(settings, counts, warmup)
        self.static = multiple > 1
        self._longest = [
            max(
                task.input_tokens(i)
                for task, plan in zip(tasks, self.plans, strict=True)
                if step < len(plan)
                for i in plan[step]
            )
            for step in range(max(counts))
        ]
        self.widths = few_widths([round_up(n, multiple) for n in self._longest], self.static)
        self._batch_size, self._epochs = settings.batch_size, settings.epochs
        self._room = micro_batch * self.widths[-1]
        # static shapes need the same number of target positions in every row
        longest_target = max(len(t) for task in tasks for _, t in task.examples)
        self.per_row = longest_target if self.static else 0
        self.tokens = 0
        self.padded_tokens = 0

    def __len__(self) -> int:
        return len(self._longest)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The passes of the step that a dataset row names."""
        passes = self.passes(int(rows[0]["step"]))
        self.tokens += sum(batch.tokens for batch in passes)
        self.padded_tokens += sum(batch.input_ids.numel() for batch in passes)
        return as_inputs(passes)

    def passes(self, step: int) -> list[Batch]:
        """The tensors of each pass of one step; their losses add up to the step's."""
        width = self._width(self._longest[step])
        parts = math.ceil(self._batch_size / max(1, self._room // width))
        at_once = math.ceil(self._batch_size / parts)
        members = [plan[step] if step < len(plan) else [] for plan in self.plans]
        totals = [
            max(1, sum(len(task.examples[i][1]) for i in own))
            for task, own in zip(self.tasks, members, strict=True)
        ]
        passes = []
        for start in range(0, max(map(len, members)), at_once):
            rows: list[list[tuple[list[int], list[int]] | None]] = []
            keys: list[int] = []
            for task, own in zip(self.tasks, members, strict=True):
                row = [task.examples[i] for i in own[start : start + at_once]]
                wide = len(self.tasks) > 1 or self.static
                rows.append([*row, *[None] * ((at_once - len(row)) if wide else 0)])
                keys += dropout_keys(task.seed, step, range(start, start + len(rows[-1])))
            passes.append(
                collate_training(rows, totals, width if self.static else 0, self.per_row, keys)
            )
        return passes

    def shapes(self) -> list[Batch]:
        """One pass of each width, widest (most memory) first."""
        of_width = {w: i for i, n in enumerate(self._longest) for w in [self._width(n)]}
        return [self.passes(of_width[w])[0] for w in sorted(of_width, reverse=True)]

    def _width(self, longest: int) -> int:
        return next(w for w in self.widths if w >= longest)

    def histories(self, losses: LossHistory) -> list[pd.DataFrame]:
        """What each fold went through, step by step."""
        by_step = losses.by_step()
        fed = [
            [sum(map(task.input_tokens, step)) for step in plan]
            for task, plan in zip(self.tasks, self.plans, strict=True)
        ]
        return [
            training_history(by_step[j], self.rates[j].numpy(), tokens, self._epochs)
            for j, tokens in enumerate(fed)
        ]


def few_widths(widths: Sequence[int], static: bool) -> list[int]:
    """The padded lengths to use, ascending: rare ones are padded to the next larger common one.

    All of them where shapes need not be static.
    """
    counts = Counter(widths)
    if not static:
        return sorted(counts)
    needed = FEWEST_STEPS
    while True:
        kept = [max(counts)]
        for width in sorted(counts, reverse=True)[1:]:
            if counts[width] >= needed:
                kept.append(width)
        if len(kept) <= MOST_WIDTHS:
            return sorted(kept)
        needed *= 2


def as_inputs(passes: Sequence[Batch]) -> dict[str, Any]:
    """A step's passes as what Trainer moves to the device."""
    return {
        "passes": [
            {
                "input_ids": batch.input_ids,
                "positions": batch.positions,
                "targets": batch.targets,
                "weights": batch.weights,
                "dropout_keys": batch.dropout_keys,
            }
            for batch in passes
        ]
    }


def warmup_steps(settings: LoraSettings, steps: int) -> int:
    """Warm-up as TRL counts it: a fraction of the steps, rounded up."""
    return -int(-(settings.warmup * steps) // 1)
