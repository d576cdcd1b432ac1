"""A noisy-tuning run in W&B, read back from the files that wandb itself wrote offline."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.tracking.offline_runs import read_runs, the_run
from tst.diagnostics.llm.settings import ModelSettings
from tst.noisy_tuning import measurement
from tst.noisy_tuning.data import load_pairs
from tst.noisy_tuning.experiment import NoisyResult, run
from tst.noisy_tuning.materials import prepare
from tst.noisy_tuning.settings import (
    DataSettings,
    EvaluationSettings,
    NoisyConfig,
    ScheduleSettings,
    SuspectSettings,
)
from tst.optimizers.settings import OptimizerSettings
from tst.records.files import read_json
from tst.tracking.publisher_process import wait_for_publishing
from tst.tracking.settings import TrackingSettings

pytest.importorskip("wandb")


def tuned(root: Path, optimizer: str = "casmo", tracking: str = "wandb") -> NoisyResult:
    config = NoisyConfig(
        data=DataSettings(n=60, held_out=12),
        schedule=ScheduleSettings("probe", 6, 6),
        optimizer=OptimizerSettings(optimizer),
        model=ModelSettings("tiny", quantization="none"),
        evaluation=EvaluationSettings(8, 3),
        tracking=TrackingSettings(tracking, tags=["noise"], group="sweep"),
        outputs_root=str(root),
        device="cpu",
    )
    try:
        return run(config)
    finally:
        wait_for_publishing()


def test_every_step_and_the_summary_are_in_the_run(tmp_path):
    record = tuned(tmp_path).record
    shown = the_run(tmp_path)
    summary = read_json(record / "summary.json")
    assert (shown.id, shown.project, shown.group, shown.exit_code) == (
        record.name,
        "tst",
        "sweep",
        0,
    )
    assert shown.tags == ["noise", "generated", "casmo-tiny", "shuffled-probe"]
    assert shown.config["optimizer"]["name"] == "casmo"
    assert shown.config["data"]["fingerprint"] == summary["data"]["fingerprint"]
    assert "path" not in shown.config["data"]
    assert set(shown.axes.values()) == {"step"}
    assert {"loss", "clean/agar", "held_out", "share"} <= set(shown.axes)
    steps = pd.read_parquet(record / "steps.parquet")
    rows = [row for row in shown.history if "loss" in row]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "confidence", "agar", "grad_norm", "share"):
        assert [row[name] for row in rows] == pytest.approx(steps[name].tolist())
    for row, kind in zip(rows, steps["kind"], strict=True):
        assert row[f"{kind}/confidence"] == row["confidence"]
    held_out = {row["step"]: row["held_out"] for row in shown.history if "held_out" in row}
    curve = pd.read_parquet(record / "curve.parquet")
    assert held_out == pytest.approx(dict(zip(curve["step"], curve["held_out"], strict=True)))
    assert shown.summary["state"] == "finished"
    assert shown.summary["memorisation/memorised"] == summary["memorisation"]["memorised"]
    assert shown.summary["confidence/auroc"] == summary["detection"]["confidence"]["auroc"]
    assert shown.summary["cost/step_seconds"] == summary["cost"]["step_seconds"]


def test_an_optimizer_without_confidence_has_none_in_the_run(tmp_path):
    tuned(tmp_path, "adamw")
    shown = the_run(tmp_path)
    assert sum("loss" in row for row in shown.history) == 6
    assert not any("confidence" in key for row in shown.history for key in row)
    assert "confidence/auroc" not in shown.summary


def test_a_record_without_tracking_is_published_by_the_same_command_with_it(tmp_path, monkeypatch):
    record = tuned(tmp_path, tracking="none").record
    assert read_runs(tmp_path) == []
    monkeypatch.setattr(measurement, "load_base", None)  # nothing is trained again
    assert tuned(tmp_path).record == record
    assert sum("loss" in row for row in the_run(tmp_path).history) == 6


def test_a_failed_run_ends_as_failed(tmp_path, monkeypatch):
    monkeypatch.setattr(measurement, "trained", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tuned(tmp_path)
    shown = the_run(tmp_path)
    assert shown.exit_code == 1
    assert (shown.summary["state"], shown.summary["error"]) == ("failed", "ZeroDivisionError")
    assert not any("loss" in row for row in shown.history)


def test_no_text_of_a_pair_leaves(tmp_path):
    tuned(tmp_path)
    config = NoisyConfig(
        data=DataSettings(n=60, held_out=12),
        schedule=ScheduleSettings("probe", 6, 6),
        evaluation=EvaluationSettings(8, 3),
        suspects=SuspectSettings(pairs=8),
    )
    materials = prepare(config, load_pairs(config.data, config.seed))
    texts = {str(r).encode() for r in materials.train["response"] if len(str(r)) > 15}
    files = [p for p in (tmp_path / "wandb").rglob("*") if p.is_file()]
    written = b"".join(p.read_bytes() for p in files)
    assert texts and not any(text in written for text in texts)
