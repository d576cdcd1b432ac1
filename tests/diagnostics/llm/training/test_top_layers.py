"""Adapters on upper layers alone: lower layers run once, and nothing comes out otherwise."""

from __future__ import annotations

import re
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel

from tests.diagnostics.llm.conftest import TINY
from tests.diagnostics.llm.training.test_stacked_folds import flat, settings, tasks
from tst.core.errors import UserError
from tst.core.folds import plan_folds, split
from tst.diagnostics.llm import session as session_module
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.model.adapters import bare_again
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.loading import free_base, load_base
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.diagnostics.llm.resolving import resolve_settings
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training

ADAMW = OptimizerSettings()
# one fold on a GPU trains under autocast, which rounds a float32 base in each pass anew
WAYS = [("cpu", "stacked"), ("cpu", "sequential")]
WAYS += [("cuda", "stacked")] if torch.cuda.is_available() else []


@contextmanager
def trained(base, chosen, training: str, lower: LowerStates | None, checkpointing: bool = False):
    """Weights of three folds by fold and name."""
    weights: dict[tuple[int, str], torch.Tensor] = {}

    def note(fold, model) -> None:
        for name, weight in model.named_parameters():
            if "lora" in name:
                weights[fold, name] = weight.detach().cpu().clone()

    if training == "stacked":
        plan = MemoryPlan(4, folds=3, checkpointing=checkpointing)
        with stacked_training(base, chosen, ADAMW, tasks(3), plan, lower=lower) as (adapters, _):
            pass
        for fold in range(3):
            with adapters.as_peft(fold) as model:
                note(fold, model)
    else:
        for fold, task in enumerate(tasks(3)):
            plan = MemoryPlan(4, checkpointing=checkpointing)
            with trained_adapter(base, chosen, ADAMW, task, plan, lower=lower) as (model, _):
                note(fold, model)
    yield weights


@pytest.mark.parametrize(("device", "training"), WAYS)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "computed for each pass"])
def test_adapters_are_those_of_training_through_all_layers(device, training, kept):
    base = load_base(ModelSettings("tiny", dtype="float32", quantization="none"), device)
    chosen = settings(epochs=2.0, top_layers=1, dropout=0.2)
    lower = LowerStates(LayerCut(base.model, 1), places=None if kept else [])
    lower.prepare([ids for task in tasks(3) for ids in task.texts()], padded_tokens=200)
    computed = lower.computed
    with trained(base, chosen, training, lower) as weights:
        pass
    assert (lower.computed == computed) == kept
    with trained(base, chosen, training, None) as expected:
        pass
    assert weights.keys() == expected.keys()
    assert {name.split("layers.")[1][0] for _, name in weights} == {"1"}
    for name, weight in expected.items():
        atol = 1e-5 if device == "cpu" else 1e-3
        torch.testing.assert_close(weights[name], weight, rtol=1e-4, atol=atol)
    assert any(w.abs().max() > 1e-3 for (_, name), w in weights.items() if "lora_B" in name)
    free_base()


@pytest.mark.parametrize("training", ["stacked", "sequential"])
def test_gradient_checkpointing_gives_the_same_adapters(training):
    base = load_base(TINY, "cpu")
    chosen = settings(epochs=1.0, top_layers=1)
    lower = LowerStates(LayerCut(base.model, 1))
    with trained(base, chosen, training, lower, checkpointing=True) as weights:
        pass
    with trained(base, chosen, training, None) as expected:
        pass
    for name, weight in expected.items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-4, atol=1e-5)


def run(table: pd.DataFrame, store=None, **changes: object) -> dict:
    plan = plan_folds(table, k=3, seed=3)
    diagnostic = LoraLLMDiagnostic(
        settings(**{"top_layers": 1, **changes}), TINY, ADAMW, store, "cpu"
    )
    return dict(diagnostic.run_folds(table, plan, plan.folds(), 3))


@pytest.mark.parametrize(
    "changes",
    [{"option_orders": 2}, {"mc_scoring": "letters", "validation": 0.2}],
    ids=["options", "letters"],
)
def test_stacked_sequential_and_uncut_runs_score_alike(table, monkeypatch, changes):
    stacked = run(table, training="stacked", **changes)
    sequential = run(table, training="sequential", **changes)
    np.testing.assert_allclose(flat(stacked), flat(sequential), rtol=0, atol=2e-5)
    monkeypatch.setattr(session_module.Session, "prepare_lower", lambda *a, **k: None)
    monkeypatch.setattr(session_module, "LowerStates", lambda cut: None)
    uncut = run(table, training="stacked", **changes)
    np.testing.assert_allclose(flat(stacked), flat(uncut), rtol=0, atol=2e-5)
    for at, p in stacked.items():
        assert p.generated == uncut[at].generated
        np.testing.assert_allclose(p.value, uncut[at].value, equal_nan=True)
    everywhere = run(table, training="stacked", **changes, top_layers="all")
    assert np.abs(flat(stacked) - flat(everywhere)).max() > 1e-3


def test_each_text_goes_through_the_lower_layers_once_for_all_folds(table, monkeypatch):
    made: list[LowerStates] = []

    def noted(cut: LayerCut) -> LowerStates:
        made.append(LowerStates(cut))
        return made[-1]

    monkeypatch.setattr(session_module, "LowerStates", noted)
    results = run(table, option_orders=2, epochs=4.0, training="sequential")
    prompts = (table["format"] == "mc").sum() * 2
    # a number's prompt is read alone and with its answer; open answers are decoded by all layers
    assert made[0].computed <= prompts + 2 * (table["format"] == "num").sum() + 2 * 9
    assert sum("lower_seconds" in p.cost for p in results.values()) == 3


def test_a_saved_adapter_scores_the_same_with_all_layers_and_in_plain_peft(table, store):
    results = run(table, store, save_adapters=True, option_orders=2)
    folder = store.folder / "0-1"
    heldout = split(table, plan_folds(table, k=3, seed=3), 0, 1)[1]
    again = {}
    for top in (1, "all"):
        chosen = settings(option_orders=2, top_layers=top)
        diagnostic = LoraLLMDiagnostic(chosen, TINY, ADAMW, store, "cpu")
        again[top] = diagnostic.rescore(heldout, folder)
    np.testing.assert_allclose(flat({0: again[1]}), flat({0: again["all"]}), rtol=0, atol=1e-5)
    np.testing.assert_allclose(again[1].value, again["all"].value, equal_nan=True)
    np.testing.assert_allclose(flat({0: results[0, 1]}), flat({0: again[1]}), atol=5e-3)  # bf16
    base = load_base(TINY, "cpu")
    with bare_again(base):
        model = PeftModel.from_pretrained(base.model, str(folder))
        adapted = {n.split("layers.")[1][0] for n, _ in model.named_parameters() if "lora" in n}
        assert adapted == {"1"}


def test_held_out_answers_change_nothing(table):
    plan = plan_folds(table, k=3, seed=3)
    diagnostic = LoraLLMDiagnostic(settings(top_layers=1), TINY, ADAMW, None, "cpu")
    whole = dict(diagnostic.run_folds(table, plan, [(0, 0)], 3))
    changed = table.copy()
    for row in split(table, plan, 0, 0)[1].index:
        if table.at[row, "format"] == "num":
            changed.at[row, "answer"] = table.at[row, "answer"] + 100.0
        elif table.at[row, "format"] == "mc":
            changed.at[row, "answer"] = (table.at[row, "answer"] + 1) % 3
    assert not changed["answer"].equals(table["answer"])
    after = dict(diagnostic.run_folds(changed, plan, [(0, 0)], 3))
    np.testing.assert_array_equal(flat(whole), flat(after))
    np.testing.assert_array_equal(whole[0, 0].value, after[0, 0].value)


def test_nf4_is_cut_too(table, tmp_path):
    pytest.importorskip("bitsandbytes")
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer), layers=3, hidden=64)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model = ModelSettings(str(tmp_path), dtype="float32", quantization="nf4")
    plan = plan_folds(table, k=2, seed=3)
    found = {}
    for training in ("stacked", "sequential"):
        chosen = settings(top_layers=2, training=training, epochs=1.0)
        diagnostic = LoraLLMDiagnostic(chosen, model, ADAMW, None, "cpu")
        found[training] = dict(diagnostic.run_folds(table, plan, [(0, 0)], 3))
    np.testing.assert_allclose(flat(found["stacked"]), flat(found["sequential"]), atol=2e-4)
    free_base()


def test_a_fraction_is_resolved_to_layers():
    def resolved(top: object) -> object:
        return resolve_settings(LoraSettings(top_layers=top), TINY).top_layers

    assert [resolved(top) for top in ("all", 1, 0.5, 0.1, 0.9)] == ["all", 1, 1, 1, 2]


@pytest.mark.parametrize("top", [0, -1, 1.5, 1.0, "half", True, None])
def test_other_values_are_refused(top):
    with pytest.raises(UserError, match=r"diagnostic.top_layers.*: expected all, a number"):
        LoraLLMDiagnostic(LoraSettings(top_layers=top), TINY, ADAMW, None, "cpu")


def test_as_many_layers_as_there_are_is_refused(table):
    with pytest.raises(UserError, match=r"top_layers=2: LlamaForCausalLM has 2 layers"):
        run(table, top_layers=2)


def test_dry_run_counts_the_lower_layers_once(table):
    plan = plan_folds(table, k=3, seed=3)

    def seconds(top: object) -> float:
        chosen = settings(top_layers=top, epochs=5000.0)
        told = describe_run(table, plan, chosen, TINY, ADAMW, "cpu")
        number, unit = re.search(r"rough\): ([\d.]+) (s|min)", told).groups()
        return float(number) * (60 if unit == "min" else 1)

    assert seconds(1) < 0.6 * seconds("all")
    with pytest.raises(UserError, match="has 2 layers"):
        seconds(5)


def test_a_cpu_trains_folds_together_where_only_upper_layers_have_adapters():
    def folds(**changes: object) -> int:
        chosen = settings(training="auto", **changes)
        return LoraLLMDiagnostic(chosen, TINY, ADAMW, None, "cpu").folds_at_once

    assert folds(top_layers=1) == LoraSettings().folds_at_once
    assert folds(top_layers="all") == 1
    assert folds(top_layers=1, use_dora=True) == 1
