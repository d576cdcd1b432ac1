"""The inner validation: whom it takes, and which epoch it keeps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.training import validation
from tst.diagnostics.llm.training.validation import EpochSelection, ValidationTask, validation_rows


def train(n: int, groups: int | None = None) -> pd.DataFrame:
    units = [f"u{i}" if groups is None else f"g{i % groups}" for i in range(n)]
    return pd.DataFrame({"unit": units, "question_type": [f"t{i % 3}" for i in range(n)]})


def test_a_share_of_every_type_is_held_back():
    frame = train(600)
    held = validation_rows(frame, 0.1, seed=5)
    assert held.sum() == 60
    assert frame[held]["question_type"].value_counts().between(19, 21).all()
    assert (held == validation_rows(frame, 0.1, seed=5)).all()
    assert (held != validation_rows(frame, 0.1, seed=6)).any()
    shuffled = frame.sample(frac=1.0, random_state=0)
    again = pd.Series(validation_rows(shuffled, 0.1, seed=5), index=shuffled.index)
    assert (again.loc[frame.index].to_numpy() == held).all(), "whatever the order of rows"


def test_parts_do_not_overlap_and_are_all_as_large():
    for frame in (train(600), train(600, groups=40)):
        parts = np.array([validation_rows(frame, 0.1, seed=5, part=part) for part in range(10)])
        assert (parts.sum(axis=0) == 1).all()
    assert (validation_rows(frame, 0.1, seed=5, part=10) == parts[0]).all()


def test_groups_are_held_back_whole():
    frame = train(600, groups=40)
    held = validation_rows(frame, 0.2, seed=1)
    assert 0.1 < held.mean() < 0.3
    assert not set(frame[held]["unit"]) & set(frame[~held]["unit"])


@pytest.mark.parametrize(
    ("frame", "share"), [(train(600), 0.0), (train(3), 0.1), (train(9, 1), 0.3)]
)
def test_nothing_is_held_back_where_that_makes_no_sense(frame, share):
    assert not validation_rows(frame, share, seed=0).any()


def task(n: int) -> ValidationTask:
    asked = EncodedQuestions(
        np.arange(n), [Prompt([1])] * n, np.array(["mc"] * n, dtype=object), np.full(n, 2),
        np.zeros(n), [[]] * n,
    )  # fmt: skip
    goals = [np.eye(2)[(i % 4 == 3 and 1) or 0] for i in range(n)]
    return ValidationTask(asked, [np.full(2, 0.5)] * n, goals, [[]] * n)


def select(n: int, qualities: list[list[float]], ends: list[list[int]], monkeypatch):
    """Folds whose weight is the step number; how good each step is, is given by fold and epoch."""
    monkeypatch.setattr(validation, "AVERAGED", 0.0)
    live = [torch.zeros(len(ends), 3)]
    tasks = [task(n) for _ in ends]
    read_at: list[list[float]] = []

    def read():
        steps = live[0][:, 0].tolist()
        read_at.append(steps)
        scored = []
        for j, step in enumerate(steps):
            quality = qualities[j][ends[j].index(int(step))] if int(step) in ends[j] else -9.0
            right = [g.argmax() for g in tasks[j].goals]
            scored.append({"mc": {i: quality * (np.eye(2)[r] - 0.5) for i, r in enumerate(right)}})
        return scored, [np.full(n, np.nan) for _ in ends]

    selection = EpochSelection(tasks, ends, live, read)
    for step in range(1, max(e[-1] for e in ends) + 1):
        for j, own in enumerate(ends):
            if step <= own[-1]:
                live[0][j] = step
        selection.after_step(step)
    return selection.finish(), live[0], read_at


def test_each_fold_keeps_its_own_best_epoch(monkeypatch):
    ends = [[2, 5, 8], [3, 6, 9]]
    results, weights, read_at = select(80, [[0.5, 3.0, 1.0], [0.1, 0.2, 2.0]], ends, monkeypatch)
    assert [r.epoch for r in results] == [2, 3]
    assert weights[:, 0].tolist() == [5.0, 9.0]
    assert len(read_at) == 3, "folds that end an epoch a step apart are read together"
    assert all(len(r.log_likelihoods) == 3 for r in results)


def test_few_questions_leave_the_epochs_as_set(monkeypatch):
    results, weights, _ = select(10, [[3.0, 0.1]], [[2, 4]], monkeypatch)
    assert results[0].epoch == 2 and weights[0, 0] == 4.0


def test_folds_of_very_different_sizes_are_read_when_one_is_ahead(monkeypatch):
    ends = [[1, 2, 3], [4, 8, 12]]
    results, weights, _ = select(80, [[3.0, 1.0, 0.5], [0.5, 1.0, 3.0]], ends, monkeypatch)
    assert [r.epoch for r in results] == [1, 3]
    assert weights[:, 0].tolist() == [1.0, 12.0]


def test_weights_are_averaged_over_the_end_of_an_epoch():
    live = [torch.zeros(1, 1)]
    seen = []

    def read():
        seen.append(float(live[0][0, 0]))
        return [{"mc": {0: np.zeros(2)}}], [np.array([np.nan])]

    selection = EpochSelection([task(1)], [[40, 80]], live, read)
    for step in range(1, 81):
        live[0][0, 0] = step % 2  # jumps to and fro, 0.5 on average
        selection.after_step(step)
    assert live[0][0, 0] == 0.0, "training itself goes on from where it was"
    selection.finish()
    assert seen == pytest.approx([0.5, 0.5], abs=0.06)
    assert float(live[0][0, 0]) == pytest.approx(0.5, abs=0.06)
