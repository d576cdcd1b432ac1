"""Single pairs that look wrong: scores, how well they find corrupted pairs, the list."""

import copy
import io
import json

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from tests.noisy_tuning.conftest import make_config
from tst.cli.noisy_console import SCORES, show_run
from tst.core.errors import UserError
from tst.noisy_tuning.experiment import run
from tst.noisy_tuning.settings import DataSettings, NoisyConfig, find_problems
from tst.noisy_tuning.suspects import (
    describe_scores,
    list_suspects,
    scores_before,
    suspect_detection,
)
from tst.optimizers.build import build_optimizer
from tst.optimizers.settings import OptimizerSettings


def make_scores(before, after, confidence, corrupted, part="train"):
    scored = pd.DataFrame(
        {
            "source_row": range(10, 10 + len(before)),
            "id": [f"p{i}" for i in range(len(before))],
            "part": part,
            "corrupted": corrupted,
        }
    )
    before, after, confidence = (np.array(v, float) for v in (before, after, confidence))
    examples = [([0], [1] * (2 + i % 2)) for i in range(len(before))]  # 2, 3, 2, ... target tokens
    return describe_scores(scored, scores_before(before, before + 1, examples), after, confidence)


def test_detection_by_hand():
    scores = make_scores(
        [3, 1, 2, 1, 1], [2, 0.5, 2, 0, 0], [0.1, 0.2, 0.1, 0.3, 0.4], [1, 1, 0, 0, 0]
    )
    found = suspect_detection(scores)
    loss = found["loss_before"]
    assert loss["base_rate"] == 0.4 and loss["precision"] == 0.5
    assert loss["auroc"] == pytest.approx((3 + 0 + 0.5 + 0.5) / 6)
    gain = found["prompt_gain"]  # 2, 3 | 2, 3, 2: the least is the most suspicious
    assert gain["auroc"] == pytest.approx((0.5 + 1 + 0.5 + 0 + 0.5 + 0) / 6)
    drop = found["loss_drop"]  # drops 1, 0.5 | 0, 1, 1: the least is the most suspicious
    assert drop["auroc"] == pytest.approx((0 + 0.5 + 0.5 + 0 + 1 + 1) / 6)
    assert (drop["mean_corrupted"], drop["mean_clean"]) == pytest.approx((0.75, 2 / 3))
    assert found["confidence"]["auroc"] == pytest.approx((0.5 + 1 + 1 + 0 + 1 + 1) / 6)


def test_what_cannot_be_told_has_a_reason():
    scores = make_scores([1, 2], [1, 1], [np.nan, np.nan], [0, 0])
    found = suspect_detection(scores)
    assert found["confidence"]["reason"] == "no pair has a confidence"
    assert "both" in found["loss_before"]["reason"] and np.isnan(found["loss_before"]["auroc"])


def test_the_list_begins_with_the_most_suspicious_pair():
    prompts = [[{"role": "user", "content": f"What is\n{i}?" + "x" * 100}] for i in range(4)]
    scored = pd.DataFrame({"prompt": prompts, "response": ["a", "b", "c\nd", "e"]})
    scores = make_scores([1, 3, 2, 3], [1, 1, 1, 1], [0.2, np.nan, 0.1, 0.3], [0] * 4)
    listed = list_suspects(scored, scores, "loss_before")
    assert list(listed) == ["row", "id", "score", "start"]
    assert listed["row"].tolist() == [11, 13, 12, 10]
    assert listed["start"][2].endswith("... | c d")
    assert listed["start"][2].startswith("What is 2?xxx")
    sure = list_suspects(scored, scores, "confidence")
    assert sure["id"].tolist() == ["p2", "p0", "p3"] and sure["score"][0] == -0.1


def write_pairs(tmp_path, n=40):
    rows = [
        {"id": f"q{i}", "instruction": f"Add {i} and {i}.", "output": str(2 * i)} for i in range(n)
    ]
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(rows))
    return str(path)


@pytest.mark.parametrize("score", ["prompt_gain", "loss_before", "confidence"])
def test_a_dirty_file_gets_a_list_of_suspects(tmp_path, score):
    config = make_config(tmp_path)
    config.data = DataSettings(path=write_pairs(tmp_path), held_out=6)
    config.corruption.kind, config.schedule.kind = "none", "plain"
    config.suspects.score = score
    result = run(config)
    listed = pd.read_csv(result.record / "suspects.csv")
    assert sorted(listed["row"]) == list(range(40))  # also those held out
    assert listed["id"].tolist() == [f"q{row}" for row in listed["row"]]
    assert listed["score"].is_monotonic_decreasing and listed["score"].nunique() > 30
    first = listed.iloc[0]
    assert first["start"] == f"Add {first['row']} and {first['row']}. | {2 * first['row']}"
    scores = pd.read_parquet(result.record / "pair_scores.parquet").set_index("source_row")
    sign = 1 if score == "loss_before" else -1
    np.testing.assert_allclose(listed["score"], sign * scores.loc[listed["row"], score])
    assert scores["loss_drop"].notna().sum() == 34
    summary = result.summary
    assert summary["data"]["corrupted"] == 0
    assert summary["memorisation"]["memorised"] is None
    assert summary["memorisation"]["held_out_after"] < summary["memorisation"]["held_out_before"]
    assert "known" in summary["memorisation"]["reason"]
    curve = pd.read_parquet(result.record / "curve.parquet")
    assert curve["memorised"].isna().all() and curve["held_out"].notna().all()
    console = Console(record=True, width=120, file=io.StringIO())
    show_run(summary, result.record, score, console)
    said = console.export_text()
    assert "held-out clean pairs" in said and "corrupted training pairs" not in said
    assert f"score: {SCORES[score]}" in said and f"q{first['row']}" in said


def test_the_same_pairs_in_another_order_are_listed_by_their_new_rows(tmp_path):
    config = make_config(tmp_path, "adamw")
    config.data = DataSettings(path=write_pairs(tmp_path), held_out=6)
    config.corruption.kind, config.schedule.kind = "none", "plain"
    config.schedule.steps = 1
    first = pd.read_csv(run(config).record / "suspects.csv")
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(json.loads(path.read_text())[::-1]))
    again = pd.read_csv(run(config).record / "suspects.csv").set_index("id")
    before = first.set_index("id")
    assert (again["row"] == 39 - before["row"].loc[again.index]).all()
    assert (again["start"] == before["start"].loc[again.index]).all()
    pd.testing.assert_series_equal(again["score"].sort_index(), before["score"].sort_index())


def test_no_list_where_the_corruption_is_our_own(root):
    record = run(make_config(root)).record
    assert not (record / "suspects.csv").exists()
    assert pd.read_parquet(record / "pair_scores.parquet")["corrupted"].sum() == 14


def test_what_goes_with_no_corruption(tmp_path):
    config = NoisyConfig()
    config.corruption.kind, config.schedule.kind = "none", "probe"
    config.suspects.score = "confidence"
    problems = "\n".join(find_problems(config))
    assert "schedule.kind=probe" in problems and "optimizer=adamw has none" in problems
    with pytest.raises(UserError, match="corruption=none nothing is"):
        run(config)


def loss_of(params, pair):
    return sum(((p - pair * 0.1 * (i + 1)) ** 2 * (p + pair)).sum() for i, p in enumerate(params))


@pytest.mark.parametrize("name", ["casmo", "casmo_calibrated"])
def test_a_foreseen_confidence_is_that_of_the_step_and_changes_nothing(name):
    if name == "casmo_calibrated":
        pytest.importorskip("casmo")
    draw = torch.Generator().manual_seed(0)
    params = [torch.nn.Parameter(torch.randn(s, generator=draw)) for s in ((4, 3), (5,), (2, 6))]
    params_given = {"tau_init_steps": 50} if name == "casmo_calibrated" else {}
    readable = build_optimizer(OptimizerSettings(name, params_given), params, 1e-3, 0.1)
    for step in range(60):
        readable.optimizer.zero_grad()
        loss_of(params, float(step % 5)).backward()
        readable.optimizer.step()
    readable.optimizer.zero_grad()
    loss_of(params, 7.0).backward()
    before = copy.deepcopy(([p.detach() for p in params], readable.optimizer.state_dict()))
    foreseen = [float(readable.foresee()) for _ in range(2)]
    for p, q in zip(params, before[0], strict=True):
        assert torch.equal(p.detach(), q)
    after = readable.optimizer.state_dict()["state"]
    for key, state in before[1]["state"].items():
        for field, value in state.items():
            assert torch.equal(torch.as_tensor(after[key][field]), torch.as_tensor(value))
    last = float(readable.read()[0])
    readable.optimizer.step()
    assert foreseen[0] == foreseen[1] == pytest.approx(float(readable.read()[0]), rel=1e-6)
    assert foreseen[0] != last
