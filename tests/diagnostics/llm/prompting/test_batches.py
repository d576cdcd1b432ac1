"""Who shares a forward pass, and where the loss lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tst.diagnostics.llm.prompting.batches import (
    EMPTY,
    collate_training,
    plan_scoring,
    plan_steps,
)


def test_every_question_is_used_once_an_epoch():
    lengths = np.random.default_rng(0).integers(5, 90, 37).tolist()
    steps = plan_steps(lengths, 4, 2.0, seed=1, order_seed=2)
    assert len(steps) == 20
    for epoch in (steps[:10], steps[10:]):
        assert sorted(np.concatenate(epoch).tolist()) == list(range(37))
    assert [s.tolist() for s in steps[:10]] != [s.tolist() for s in steps[10:]]
    assert len(plan_steps(lengths, 4, 0.5, 1, 2)) == 5


def test_steps_of_side_by_side_folds_have_like_lengths():
    draw = np.random.default_rng(0)
    lengths = [draw.integers(20, 200, n).tolist() for n in (160, 163)]
    plans = [plan_steps(n, 4, 1.0, seed=j, order_seed=9) for j, n in enumerate(lengths)]
    longest = [[max(n[i] for i in s) for s in p] for n, p in zip(lengths, plans, strict=True)]
    assert np.corrcoef(longest[0][:40], longest[1][:40])[0, 1] > 0.7


def test_scoring_batches_hold_every_row_of_each_fold_once():
    lengths = [[5, 9, 7, 3, 8], [4, 6], [9] * 7]
    for padded in (10, 60, 10_000):
        seen: list[list[int]] = [[], [], []]
        for rows in plan_scoring(lengths, padded):
            for j, fold in enumerate(rows):
                seen[j] += [i for i in fold.tolist() if i != EMPTY]
        assert [sorted(s) for s in seen] == [list(range(len(n))) for n in lengths]


def test_loss_is_on_target_tokens_alone_and_averages_over_the_step():
    batch = collate_training([[([1, 2, 3], [7, 8])], [([4], [9])]], [4, 1], width=4)
    assert batch.input_ids.tolist() == [[1, 2, 3, 7], [4, 0, 0, 0]]
    # token 7 is predicted at the prompt's last token, 8 at token 7; 9 at token 4
    assert batch.positions.tolist() == [2, 3, 4]
    assert batch.targets.tolist() == [7, 8, 9]
    torch.testing.assert_close(batch.weights, torch.tensor([0.25, 0.25, 1.0]))
    assert batch.tokens == 5


def test_static_shapes_and_empty_places_weigh_nothing():
    batch = collate_training([[([1, 2], [7]), None]], [1], width=8, per_row=2)
    assert batch.input_ids.shape == (2, 8)
    assert len(batch.positions) == 4
    assert batch.weights.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="no question"):
        plan_steps([], 4, 1.0, 0, 0)
