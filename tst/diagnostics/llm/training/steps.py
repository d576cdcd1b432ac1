"""Which passes through the model make up each optimizer step, of one fold or of several at once."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from peft import PeftModel
from transformers import PreTrainedModel

from tst.diagnostics.llm.model.adapters import torch_seed
from tst.diagnostics.llm.model.joined_rows import LEAST_ALIKE, common_beginning
from tst.diagnostics.llm.prompting.batches import (
    Batch,
    Layout,
    collate_training,
    plan_shuffled_steps,
    plan_steps,
    round_up,
)
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.scoring.row_trial import can_join_rows
from tst.diagnostics.llm.settings import RANDOM, LoraSettings
from tst.diagnostics.llm.training.dropout import dropout_keys
from tst.diagnostics.llm.training.fold_optimizer import fold_rates
from tst.diagnostics.llm.training.loss_history import LossHistory, training_history
from tst.diagnostics.llm.training.validation import ValidationTask

CAPTURE = 12.0
"""What capturing a padded length costs, in passes: 10 at 7B, 20 at 2B, 30 at 135M on an H200."""
MOST_WIDTHS = 24


@dataclass
class FoldTask:
    """What one fold trains on, and its seeds.

    examples: all training questions but those of the inner validation
    seed: LoRA initialisation, dropout and which questions share a step
    order_seed: which lengths come when, where steps go by length; one for all folds of a repeat
    validation: questions that decide when the fold's training ends; None: all epochs
    reading: what counting the fold's answers gives
    yes_no: tokens whose logits score an option; None where options are letters
    """

    examples: list[Example]
    seed: int
    order_seed: int
    validation: ValidationTask | None = None
    reading: FoldReading = field(default_factory=FoldReading.untrained)
    yes_no: tuple[int, int] | None = None

    @property
    def learns_choices(self) -> bool:
        """Whether a head is trained beside the adapter."""
        return any(len(example.goals) for example in self.examples)

    def texts(self) -> list[list[int]]:
        """Token ids of every text that is read whole in training and inner validation."""
        found = [e.fed_ids(prompt) for e in self.examples for prompt in e.prompts]
        return found if self.validation is None else found + self.validation.texts()

    def steps(self, settings: LoraSettings) -> list[list[int]]:
        """The examples of each optimizer step, by position."""
        size, epochs = settings.batch_size, settings.epochs
        if settings.order == RANDOM:
            plan = plan_shuffled_steps(len(self.examples), size, epochs, torch_seed(self.seed))
        else:
            lengths = [example.fed + 1 for example in self.examples]
            plan = plan_steps(lengths, size, epochs, self.seed, self.order_seed)
        return [step.tolist() for step in plan]

    def epoch_ends(self, settings: LoraSettings) -> list[int]:
        """Optimizer steps, from 1, after which an epoch ends; the last may be a fraction of one."""
        steps = len(self.steps(settings))
        whole = range(self.steps_per_epoch(settings), steps, self.steps_per_epoch(settings))
        return [*whole, steps]

    def steps_per_epoch(self, settings: LoraSettings) -> int:
        """Optimizer steps in which every question is used once."""
        return math.ceil(len(self.examples) / settings.batch_size)


class StepCollator:
    """Turns an optimizer step's number into its passes; k tasks at once make k-wide rows.

    A pass holds ``micro_batch`` questions per fold where rows are longest, more where they are
    shorter, and at most the whole step; a fold that has no question left for a place, or no step
    left, gets an empty one. Where that is more than ``fold_tokens`` padded tokens of a fold, it
    holds fewer.

    multiple: above 1, shapes are static: rows are padded to few widths, multiples of this
    rates, active: each fold's schedule, as of ``fold_rates``
    """

    def __init__(
        self,
        tasks: Sequence[FoldTask],
        settings: LoraSettings,
        micro_batch: int,
        multiple: int = 1,
        fold_tokens: float = math.inf,
    ) -> None:
        self.tasks = tasks
        self.plans = [task.steps(settings) for task in tasks]
        counts = [len(plan) for plan in self.plans]
        warmup = [warmup_steps(settings, n) for n in counts]
        self.rates, self.active = fold_rates(settings, counts, warmup)
        self.static = multiple > 1
        self._longest = [
            max(
                task.examples[i].fed
                for task, plan in zip(tasks, self.plans, strict=True)
                if step < len(plan)
                for i in plan[step]
            )
            for step in range(max(counts))
        ]
        self.widths = few_widths([round_up(n, multiple) for n in self._longest], self.static)
        self._batch_size, self._epochs = settings.batch_size, settings.epochs
        self._room = min(micro_batch * self.widths[-1], fold_tokens)
        self._per_epoch = [task.steps_per_epoch(settings) for task in tasks]
        self.layout = _layout([example for task in tasks for example in task.examples])
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
        at_once = math.ceil(self._batch_size / self._parts(width))
        members = [plan[step] if step < len(plan) else [] for plan in self.plans]
        totals = [
            max(1, sum(task.examples[i].units for i in own))
            for task, own in zip(self.tasks, members, strict=True)
        ]
        passes = []
        for start in range(0, max(map(len, members)), at_once):
            rows: list[list[tuple[Example, Prompt] | None]] = []
            keys: list[int] = []
            for task, own, per_epoch in zip(self.tasks, members, self._per_epoch, strict=True):
                shown = [task.examples[i] for i in own[start : start + at_once]]
                row = [(example, example.prompt(step // per_epoch)) for example in shown]
                wide = len(self.tasks) > 1 or self.static
                rows.append([*row, *[None] * ((at_once - len(row)) if wide else 0)])
                keys += dropout_keys(task.seed, step, range(start, start + len(rows[-1])))
            layout = replace(self.layout, width=width)
            if not self.static:  # room for what this pass reads; all weights get a gradient
                shown = [at[0] for row in rows for at in row if at is not None]
                layout = replace(layout, width=0, positions=max(e.positions for e in shown))
            passes.append(collate_training(rows, totals, layout, keys))
        return passes

    def shapes(self) -> list[Batch]:
        """One pass of each width, widest (most memory) first."""
        of_width = {w: i for i, n in enumerate(self._longest) for w in [self._width(n)]}
        return [self.passes(of_width[w])[0] for w in sorted(of_width, reverse=True)]

    def uses(self) -> list[int]:
        """How many passes the whole training makes of each of ``shapes``."""
        steps = Counter(map(self._width, self._longest))
        return [steps[w] * self._parts(w) for w in sorted(steps, reverse=True)]

    def _parts(self, width: int) -> int:
        """Passes of a step whose rows have this width."""
        return math.ceil(self._batch_size / max(1, int(self._room // width)))

    def _width(self, longest: int) -> int:
        return next(w for w in self.widths if w >= longest)

    def histories(self, losses: LossHistory) -> list[pd.DataFrame]:
        """What each fold went through, step by step."""
        by_step = losses.by_step()
        fed = [
            [sum(task.examples[i].fed for i in step) for step in plan]
            for task, plan in zip(self.tasks, self.plans, strict=True)
        ]
        return [
            training_history(by_step[j], self.rates[j].numpy(), tokens, self._epochs)
            for j, tokens in enumerate(fed)
        ]


def few_widths(widths: Sequence[int], static: bool) -> list[int]:
    """The padded lengths to use for steps of these lengths, ascending; every length gets the next.

    All of them where shapes need not be static, else those of the least cost: a length of its own
    costs a capture, and padding costs time in proportion.
    """
    counts = Counter(widths)
    if not static:
        return sorted(counts)
    capture = CAPTURE * sum(widths) / len(widths)
    while True:
        kept = _cheapest_widths(counts, capture)
        if len(kept) <= MOST_WIDTHS:
            return kept
        capture *= 2.0


def _cheapest_widths(counts: Counter[int], capture: float) -> list[int]:
    """The lengths, the largest among them, at which captures and padded steps cost least together.

    capture: what one more length costs, in tokens of a row
    """
    lengths = sorted(counts)
    least, before = [0.0], [0]
    for end, length in enumerate(lengths, start=1):
        # all steps of lengths[start:end] are padded to the last of them
        steps = 0
        costs = []
        for start in range(end - 1, -1, -1):
            steps += counts[lengths[start]]
            costs.append((least[start] + capture + steps * length, start))
        cost, start = min(costs)
        least.append(cost)
        before.append(start)
    kept, end = [], len(lengths)
    while end:
        kept.append(lengths[end - 1])
        end = before[end]
    return kept[::-1]


def _layout(examples: list[Example]) -> Layout:
    """Room for every one of these examples, whatever the width."""
    numbers = [len(e.goals) for e in examples if e.number]
    return Layout(
        width=0,
        positions=max(e.positions for e in examples),
        tokens=any(e.target for e in examples),
        options=any(e.prompts[0].ends for e in examples),
        number_slots=max(numbers, default=0),
    )


@dataclass(frozen=True)
class FedTexts:
    """Token ids of each row of each pass of a step; an object of its own, which Trainer leaves."""

    passes: list[list[list[int] | None]]


def as_inputs(passes: Sequence[Batch]) -> dict[str, Any]:
    """A step's passes as what Trainer moves to the device, and the texts in them."""
    return {
        "passes": [batch.inputs() for batch in passes],
        "fed": FedTexts([batch.fed for batch in passes]),
    }


def draws_dropout(model: PreTrainedModel | PeftModel, settings: LoraSettings) -> bool:
    """Whether training sets parts of what is computed to 0, in the adapters or in the model."""
    config = model.config.get_text_config().to_dict()
    drawn = [settings.dropout, *(p for name, p in config.items() if "drop" in name)]
    return any(isinstance(p, float) and p > 0 for p in drawn)


def joins_questions(
    model: PreTrainedModel | PeftModel, settings: LoraSettings, tasks: Sequence[FoldTask]
) -> bool:
    """Whether questions of a step that begin alike are read in one row.

    model: with the tasks' adapters
    """
    shown = [[prompt for example in task.examples for prompt in example.prompts] for task in tasks]
    alike = max(common_beginning([prompt.ids for prompt in own]) for own in shown)
    if settings.batch_size == 1 or alike < LEAST_ALIKE:
        return False
    longest = max(example.fed for task in tasks for example in task.examples)
    return can_join_rows(model, shown, longest)


def warmup_steps(settings: LoraSettings, steps: int) -> int:
    """Warm-up as TRL counts it: a fraction of the steps, rounded up."""
    return -int(-(settings.warmup * steps) // 1)
