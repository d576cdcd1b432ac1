"""Who shares a forward pass, and where the loss lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import Trainer, TrainingArguments

from tst.diagnostics.llm.prompting.batches import (
    EMPTY,
    Layout,
    collate_pairs,
    collate_prompts,
    collate_training,
    plan_scoring,
    plan_shuffled_steps,
    plan_steps,
)
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example


def test_every_question_is_used_once_an_epoch():
    lengths = np.random.default_rng(0).integers(5, 90, 37).tolist()
    steps = plan_steps(lengths, 4, 2.0, seed=1, order_seed=2)
    assert len(steps) == 20
    for epoch in (steps[:10], steps[10:]):
        assert sorted(np.concatenate(epoch).tolist()) == list(range(37))
    assert [s.tolist() for s in steps[:10]] != [s.tolist() for s in steps[10:]]
    assert len(plan_steps(lengths, 4, 0.5, 1, 2)) == 5


@pytest.mark.parametrize("epochs", [1.0, 2.5])
def test_shuffled_steps_are_those_of_transformers_trainer(epochs, tmp_path):
    torch.manual_seed(0)
    seen: list[list[int]] = []

    class Recorder(Trainer):
        def training_step(self, model, inputs, num_items_in_batch=None):
            seen.append(inputs["row"].tolist())
            return torch.zeros(())

    settings = TrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=4, num_train_epochs=epochs, seed=3,
        data_seed=1846948561, use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True,
        remove_unused_columns=False,
    )  # fmt: skip
    rows = [{"row": i} for i in range(14)]
    Recorder(model=torch.nn.Linear(1, 1), args=settings, train_dataset=rows).train()
    planned = plan_shuffled_steps(14, 4, epochs, seed=1846948561)
    assert seen == [step.tolist() for step in planned]
    assert len(seen) == 4 * epochs and len(seen[3]) == 2


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


def shown(prompt: list[int], target: list[int]) -> tuple[Example, Prompt]:
    return Example([Prompt(prompt)], target), Prompt(prompt)


def test_loss_is_on_target_tokens_alone_and_averages_over_the_step():
    rows = [[shown([1, 2, 3], [7, 8])], [shown([4], [9])]]
    layout = Layout(width=4, positions=2, tokens=True, options=False, number_slots=0)
    batch = collate_training(rows, [4, 1], layout)
    assert batch.input_ids.tolist() == [[1, 2, 3, 7], [4, 0, 0, 0]]
    # token 7 is predicted at the prompt's last token, 8 at token 7; 9 at token 4
    assert batch.positions.tolist() == [2, 3, 4, 4]
    assert batch.targets.tolist() == [7, 8, 9, 0]
    torch.testing.assert_close(batch.weights, torch.tensor([0.25, 0.25, 1.0, 0.0]))
    assert batch.tokens == 5
    assert batch.goals.shape == batch.number_goals.shape == (2, 0)


def test_pairs_have_as_many_positions_as_target_tokens():
    batch = collate_pairs([[([1, 2, 3], [7, 8]), ([4], [9])]], [3])
    assert batch.positions.tolist() == [2, 3, 4]
    assert batch.targets.tolist() == [7, 8, 9]
    torch.testing.assert_close(batch.weights, torch.full((3,), 1 / 3))


def test_static_shapes_and_empty_places_weigh_nothing():
    layout = Layout(width=8, positions=2, tokens=True, options=False, number_slots=0)
    batch = collate_training([[shown([1, 2], [7]), None]], [1], layout)
    assert batch.input_ids.shape == (2, 8)
    assert len(batch.positions) == 4
    assert batch.weights.tolist() == [1.0, 0.0, 0.0, 0.0]


def test_options_and_numbers_are_read_where_they_end():
    options = Example(
        [Prompt([1, 2, 3, 4, 5], [4, 2])], goals=np.array([0.9, 0.1]), offsets=np.log([0.5, 0.5])
    )
    number = Example([Prompt([6, 7])], [8], np.array([0.0, 0.5, 0.5]), np.zeros(3), number=True)
    layout = Layout(width=6, positions=3, tokens=True, options=True, number_slots=3)
    rows = [[(options, options.prompts[0]), (number, number.prompts[0]), None]]
    batch = collate_training(rows, [2], layout)
    assert batch.positions.view(3, 3).tolist() == [[4, 2, 0], [7, 6, 6], [12, 12, 12]]
    torch.testing.assert_close(batch.goals[0], torch.tensor([0.45, 0.05, 0.0]))
    assert batch.offsets[0, 2] < -1e3 and batch.offsets[0, :2].tolist() == pytest.approx(
        [np.log(0.5)] * 2
    )
    torch.testing.assert_close(batch.number_goals[1], torch.tensor([0.0, 0.25, 0.25]))
    assert batch.targets.view(3, 3)[1].tolist() == [8, 0, 0]
    assert batch.weights.sum() == 0.5, "a number's tokens count together as much as its slots"
    for goals in (batch.goals[1:], batch.number_goals[[0, 2]]):
        assert not goals.any()


def test_prompts_are_read_at_their_ends_or_at_their_last_token():
    ids, positions = collate_prompts([Prompt([1, 2, 3], [1, 2]), None, Prompt([4, 5])], multiple=4)
    assert ids.tolist() == [[1, 2, 3, 0], [0] * 4, [4, 5, 0, 0]]
    assert positions.tolist() == [[1, 2], [4, 4], [9, 8]]


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="no question"):
        plan_steps([], 4, 1.0, 0, 0)
