"""The workspace's definition, without a network: what it shows is what runs have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.commands import run_command
from tests.made_records import make_record
from tst.dashboard import question_types
from tst.records.kinds import STRESS_TEST, stress_test
from tst.records.kinds.noisy_tuning import SIGNALS
from tst.records.kinds.pruning import CURVE

pytest.importorskip("wandb_workspaces", reason="pip install 'tst-stress-test[wandb]'")
NOWHERE = {"WANDB_BASE_URL": "http://127.0.0.1:9"}


def metrics(node: Any) -> Iterator[str]:
    """Every metric that panels, columns and order name, without its section."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("metrics", "xAxis", "yAxis", "tableColumnAlias"):
                yield from ([value] if isinstance(value, str) else value)
            elif key == "columnPinned":
                yield from (name for name in value)
            else:
                yield from metrics(value)
    elif isinstance(node, list):
        for item in node:
            yield from metrics(item)


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record's summary, and the workspace made for it."""
    root = tmp_path_factory.mktemp("outputs")
    record = make_record(root, "diagnostic=lora_llm")
    words = ("dry_run=true", f"outputs_root={root}", "folds=3", "project=my-project")
    done = run_command("tst.dashboard", *words, fresh=True, **NOWHERE)
    assert done.returncode == 0, done.stderr
    return json.loads((record / "summary.json").read_text()), json.loads(done.stdout)


def test_the_sections_are_there(definition):
    summary, view = definition
    assert (view["project"], view["displayName"]) == ("my-project", "TsT")
    sections = view["spec"]["section"]["panelBankConfig"]["sections"]
    names = [s["name"] for s in sections]
    assert names == [
        "Leaderboard",
        "Question types: planted",
        "Training",
        "Pruning",
        "Noisy tuning",
        "Cost",
    ]
    titles = [p["config"].get("chartTitle") for p in sections[2]["panels"]]
    assert [f"Fold {f}: training loss" for f in range(3)] == titles[:3]
    (by_type,) = [s for s in sections if s["name"].startswith("Question types")]
    shown = set(metrics(by_type))
    assert {f"type/{t}/score_soft" for t in summary["per_type"]} <= shown


def test_every_key_shown_is_one_that_a_run_has(definition):
    summary, view = definition
    logged = set(STRESS_TEST.figures({**summary, "cost": {}})) | {
        "state",
        stress_test.FOLD,
        stress_test.FOLD_SCORE,
    }
    logged |= {stress_test.LOSS, stress_test.SPEED, "_step"}
    logged |= {
        f"{stress_test.curve_prefix(0, f)}/{c}"
        for f in range(3)
        for c in ("step", *stress_test.CURVES)
    }
    logged |= {"iteration", *CURVE}
    by_kind = {f"{kind}/{signal}" for kind in ("clean", "corrupted", "mixed") for signal in SIGNALS}
    logged |= {"step", "held_out", "share", *SIGNALS, *by_kind}
    logged |= {f"{signal}/auroc" for signal in SIGNALS}
    for name in metrics(view["spec"]):
        plain = re.sub(r"^(summary(_metrics)?[:.])", "", name)
        if plain.startswith(("config:", "run:", "cost/")):
            continue
        assert plain in logged, name


def test_without_a_key_it_is_one_message(monkeypatch, tmp_path):
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    done = run_command("tst.dashboard", f"outputs_root={tmp_path}", **NOWHERE)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "wandb login" in done.stderr


def test_a_second_save_rewrites_the_same_workspace(monkeypatch, tmp_path):
    import wandb_workspaces.workspaces as ws

    from tst.tracking.workspace import saving
    from tst.tracking.workspace.definition import build_workspace

    sent = []

    def save(workspace: ws.Workspace) -> ws.Workspace:
        workspace._internal_name = workspace._internal_name or "abc123"
        sent.append(workspace)
        return workspace

    def from_url(url: str) -> ws.Workspace:
        assert "nw=abc123" in url
        kept = build_workspace("me", "tst", "TsT", {}, 1)
        kept._internal_name = "abc123"
        return kept

    monkeypatch.setattr(ws.Workspace, "save", save)
    monkeypatch.setattr(ws.Workspace, "from_url", staticmethod(from_url))
    monkeypatch.setattr(ws.Workspace, "url", property(lambda w: f"nw={w._internal_name}"))
    for types in ({"planted": ["mc_pair"]}, {"mmmu": ["Art"]}):
        saving.save_workspace(build_workspace("me", "tst", "TsT", types, 2), tmp_path)
    assert [s.name for s in sent[1].sections][1] == "Question types: mmmu"
    assert sent[1]._internal_name == "abc123"


def test_panels_of_many_types_show_the_most_exposed(tmp_path):
    from tst.tracking.workspace.definition import MOST_TYPES, of_benchmark

    names = [f"type {i}" for i in range(62)]
    section = of_benchmark("mmmu", names)
    for panel in section.panels:
        assert len(panel.metrics) == MOST_TYPES
        assert panel.title.endswith("the 20 most exposed of 62")
    make_record(tmp_path, "diagnostic=rf")
    (types,) = question_types(tmp_path).values()
    assert types[0] in ("mc_position", "mc_entity", "num_entity", "mc_length") and len(types) == 8
