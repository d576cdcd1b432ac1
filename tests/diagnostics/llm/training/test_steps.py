"""How optimizer steps are cut into passes."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch

from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training.steps import (
    CAPTURE,
    MOST_WIDTHS,
    FoldTask,
    StepCollator,
    few_widths,
)


def tasks(folds: int) -> list[FoldTask]:
    draw = np.random.default_rng(0)

    def ids(low: int, high: int) -> list[int]:
        return draw.integers(6, 200, draw.integers(low, high)).tolist()

    return [
        FoldTask([Example([Prompt(ids(3, 60))], ids(1, 4)) for _ in range(41 + j)], j, 7)
        for j in range(folds)
    ]


@pytest.mark.parametrize("folds", [1, 3])
@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize(("micro_batch", "tokens"), [(1, 1e9), (3, 1e9), (8, 1e9), (8, 130.5)])
def test_passes_hold_each_target_of_a_step_once(folds, multiple, micro_batch, tokens):
    given = tasks(folds)
    settings = LoraSettings(batch_size=8, epochs=2.0)
    collator = StepCollator(given, settings, micro_batch, multiple, tokens)
    room = min(micro_batch * max(collator.widths), tokens)
    for step in range(len(collator)):
        passes = collator.passes(step)
        found = torch.cat([batch.targets[batch.weights > 0] for batch in passes]).tolist()
        wanted = [
            t
            for task, plan in zip(given, collator.plans, strict=True)
            if step < len(plan)
            for i in plan[step]
            for t in task.examples[i].target
        ]
        assert sorted(found) == sorted(wanted)
        active = sum(step < len(plan) for plan in collator.plans)
        assert sum(float(batch.weights.sum()) for batch in passes) == pytest.approx(active)
        for batch in passes:
            rows, width = batch.input_ids.shape
            assert rows // folds * width <= room
            read = batch.input_ids.flatten()[batch.positions]
            assert len(read) == len(batch.targets)


def test_static_steps_share_few_shapes():
    given = tasks(3)
    collator = StepCollator(given, LoraSettings(batch_size=4, epochs=3.0), 2, 8)
    seen = {
        (b.input_ids.shape, b.positions.shape)
        for step in range(len(collator))
        for b in collator.passes(step)
    }
    assert seen == {(b.input_ids.shape, b.positions.shape) for b in collator.shapes()}
    widths = [b.input_ids.shape[1] for b in collator.shapes()]
    assert widths == sorted(widths, reverse=True)
    passes = Counter(
        b.input_ids.shape[1] for step in range(len(collator)) for b in collator.passes(step)
    )
    assert collator.uses() == [passes[width] for width in widths]


def test_passes_without_static_shapes_read_no_more_than_they_need():
    """What is learned has room in every pass: a weight without a gradient would skip its step."""
    goals, offsets = np.array([0.9, 0.1]), np.zeros(2)
    options = [Example([Prompt([6] * 30, [20, 29])], [], goals, offsets) for _ in range(6)]
    written = [Example([Prompt([6] * 9)], [7] * size) for size in (1, 1, 1, 5)]
    collator = StepCollator([FoldTask(options + written, 0, 7)], LoraSettings(batch_size=2), 2)
    seen = []
    for step in range(len(collator)):
        (batch,) = collator.passes(step)
        needed = max(collator.tasks[0].examples[i].positions for i in collator.plans[0][step])
        assert batch.goals.shape[1] == needed
        assert len(batch.positions) == len(batch.targets) == needed * len(batch.input_ids)
        seen.append(needed)
    assert set(seen) > {1, 2} and max(seen) == 5


def test_widths_are_those_of_the_least_cost():
    draw = np.random.default_rng(0)
    for _ in range(20):
        lengths = (8 * draw.integers(1, 9, draw.integers(5, 120))).tolist()
        different = sorted(set(lengths))

        def cost(kept: tuple[int, ...], lengths=lengths) -> float:
            padded = sum(min(w for w in kept if w >= n) for n in lengths)
            return padded + CAPTURE * sum(lengths) / len(lengths) * len(kept)

        choices = [
            (*some, different[-1])
            for n in range(len(different))
            for some in combinations(different[:-1], n)
        ]
        found = few_widths(lengths, static=True)
        assert found[-1] == max(lengths)
        assert cost(tuple(found)) == pytest.approx(min(map(cost, choices)))
    assert few_widths([8, 16, 16], static=False) == [8, 16]
    many = [8 * n for n in range(1, 100) for _ in range(40 + n % 3)]
    assert len(few_widths(many, static=True)) <= MOST_WIDTHS
