"""A planned step as forward passes, of one run or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tst.diagnostics.llm.prompting.batches import Batch, collate_pairs
from tst.diagnostics.llm.training.dropout import dropout_keys
from tst.diagnostics.llm.training.steps import as_inputs
from tst.noisy_tuning.encoding import Example
from tst.noisy_tuning.schedule import Step


class PairCollator:
    """Turns a step's number into its forward passes of micro_batch pairs of each run.

    plans: the steps of each run, all of the same number and batch size
    seed: of the dropout masks, which follow from the place of a pair in its step: runs with the
        same pairs have the same masks
    Pairs of a step are sorted by length, so that a pass has little padding.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        plans: Sequence[Sequence[Step]],
        micro_batch: int,
        seed: int,
    ) -> None:
        self.examples = examples
        self.micro_batch = micro_batch
        self.seed = seed
        self.lengths = [len(prompt) + len(target) for prompt, target in examples]
        self.plans = [
            [sorted(map(int, s.rows), key=self.lengths.__getitem__, reverse=True) for s in steps]
            for steps in plans
        ]

    def __len__(self) -> int:
        return len(self.plans[0])

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return as_inputs(self.passes(int(rows[0]["step"])))

    def passes(self, step: int) -> list[Batch]:
        """The tensors of a step; their weights make each run's loss the mean of its tokens."""
        runs = [[self.examples[i] for i in plan[step]] for plan in self.plans]
        targets = [sum(len(target) for _, target in members) for members in runs]
        passes = []
        for start in range(0, len(runs[0]), self.micro_batch):
            rows = [members[start : start + self.micro_batch] for members in runs]
            keys = dropout_keys(self.seed, step, range(start, start + len(rows[0])))
            passes.append(collate_pairs(rows, targets, keys * len(runs)))
        return passes

    def longest(self) -> Batch:
        """The pass that needs most memory: the first pass of a step has its longest pairs."""

        def width(step: int) -> int:
            return max(self.lengths[plan[step][0]] for plan in self.plans)

        return self.passes(max(range(len(self)), key=width))[0]
