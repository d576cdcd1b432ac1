"""The batch that folds were trained with, where steps tell another than the YAML."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tst.core.errors import UserError
from tst.external_training.score import score_elsewhere
from tst.external_training.step_counts import CountedSteps, count_steps, find_batch
from tst.external_training.trainer_settings import read_settings
from tst.records.run_records import read_record

ROWS = 12
"""Training questions of either fold."""


def note_steps(trained: Path, fold: str, planned: int) -> None:
    state = {"global_step": planned, "max_steps": planned, "num_train_epochs": 2, "log_history": []}
    (trained / "adapters" / fold / "trainer_state.json").write_text(json.dumps(state))


@pytest.fixture
def for_two_epochs(trained) -> Path:
    for path in trained.glob("train-*.yaml"):
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"num_train_epochs": 2}))
    return trained


@pytest.mark.parametrize(
    ("rows", "size", "epochs", "steps"),
    [(12, 4, 2, 6), (13, 4, 2, 8), (10, 4, 0.5, 2), (3, 16, 0.1, 1), (2110, 16, 4, 528)],
)
def test_steps_are_counted_as_transformers_does(rows, size, epochs, steps):
    assert count_steps(rows, size, epochs) == steps


def test_the_batch_is_the_one_that_makes_the_steps_of_all_folds():
    two, four = CountedSteps(2110, 1, 66), CountedSteps(2111, 1, 33)
    assert find_batch(16, [two]) == 32 and find_batch(16, [four]) == 64
    assert find_batch(16, [two, four]) is None and find_batch(16, [CountedSteps(9, 1, 7)]) is None


def test_folds_trained_on_several_gpus_are_told_and_recorded(for_two_epochs, score_config, caplog):
    for fold in ("0-0", "0-1"):
        note_steps(for_two_epochs, fold, 4)  # two GPUs: batches of 8
    result = score_elsewhere(score_config(f"adapters={for_two_epochs}"))
    assert "fold 0-0, 0-1: trained for 4 steps; a batch of 4 and 2 epochs of 12" in caplog.text
    assert "make 6. The batch was 8" in caplog.text
    assert read_record(result.record).leaves["diagnostic.batch_size"] == 8


def test_steps_that_no_batch_makes_leave_it_unknown(for_two_epochs, score_config, caplog):
    for fold in ("0-0", "0-1"):
        note_steps(for_two_epochs, fold, 100)
    result = score_elsewhere(score_config(f"adapters={for_two_epochs}"))
    assert "The batch was another" in caplog.text
    assert read_record(result.record).leaves["diagnostic.batch_size"] is None


def test_folds_with_other_batches_are_refused_and_stated_ones_are_left(
    for_two_epochs, score_config, caplog
):
    note_steps(for_two_epochs, "0-0", 6)
    note_steps(for_two_epochs, "0-1", 2)
    with pytest.raises(UserError, match="different settings: batch_size=4 and 12"):
        score_elsewhere(score_config(f"adapters={for_two_epochs}"))
    note_steps(for_two_epochs, "0-1", 6)
    caplog.clear()
    score_elsewhere(score_config(f"adapters={for_two_epochs}"))
    assert "trained for" not in caplog.text


@pytest.mark.parametrize(
    "setting",
    [{"per_device_train_batch_size": 0}, {"per_device_train_batch_size": 2.5},
     {"per_device_train_batch_size": True}, {"per_device_train_batch_size": float("inf")},
     {"learning_rate": -1.0}, {"num_train_epochs": float("nan")}],
)  # fmt: skip
def test_numbers_that_no_training_has_are_refused(tmp_path, setting):
    path = tmp_path / "train-0-0.yaml"
    path.write_text(yaml.safe_dump(setting))
    with pytest.raises(UserError, match=f"{next(iter(setting))}=.*; expected a number"):
        read_settings(path)
