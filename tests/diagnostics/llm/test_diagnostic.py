"""The whole diagnostic on a random model: what it promises whatever the model knows."""

from __future__ import annotations

import dataclasses
import gc
import resource

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel

from tests.diagnostics.llm.conftest import TINY
from tst.config.composition import compose
from tst.core.errors import UserError
from tst.core.folds import plan_folds, split
from tst.diagnostics.llm import diagnostic as diagnostic_module
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.adapters import bare_again
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.loading import free_base, load_base
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.fold_tasks import FoldTasks

QUICK = {"epochs": 1.0, "learning_rate": 1e-2, "training": "stacked"}


def build(store=None, model=TINY, **changes) -> LoraLLMDiagnostic:
    settings = LoraSettings(**{**QUICK, **changes})
    return LoraLLMDiagnostic(settings, model, OptimizerSettings(), store, "cpu")


def run(table, store=None, only=None, model=TINY, **changes) -> dict:
    plan = plan_folds(table, k=3, seed=1)
    return dict(build(store, model, **changes).run_folds(table, plan, plan.folds(only), 1))


def by_question(table: pd.DataFrame, results: dict, field: str) -> dict[str, object]:
    """A field of all folds' predictions by question id."""
    plan = plan_folds(table, k=3, seed=1)
    values = {}
    for (repeat, fold), p in results.items():
        _, heldout = split(table, plan, repeat, fold)
        values |= dict(zip(table.loc[heldout.index, "id"], getattr(p, field), strict=True))
    return values


def equal(a: dict, b: dict, tolerance: float = 0.0) -> None:
    assert a.keys() == b.keys()
    for key in a:
        if a[key] is None or b[key] is None or isinstance(a[key], str):
            assert a[key] == b[key]
        else:
            np.testing.assert_allclose(a[key], b[key], rtol=0, atol=tolerance)


@pytest.mark.parametrize("mc_scoring", ["options", "letters"])
def test_predictions_have_what_the_protocol_asks(table, mc_scoring):
    for (_, fold), p in run(table, mc_scoring=mc_scoring).items():
        plan = plan_folds(table, k=3, seed=1)
        _, heldout = split(table, plan, 0, fold)
        for i, (kind, options) in enumerate(
            zip(heldout["format"], heldout["options"], strict=True)
        ):
            if kind == "mc":
                assert len(p.p_options[i]) == len(options)
                assert p.p_options[i].sum() == pytest.approx(1.0)
                mass = p.letter_mass[i]
                assert 0 < mass <= 1 if mc_scoring == "letters" else np.isnan(mass)
                assert p.generated[i] is None
            else:
                assert p.p_options[i] is None
                assert isinstance(p.generated_zero_shot[i], str)
                assert p.parsed[i] == (kind == "num" or p.text[i] != "")
                assert np.isfinite(p.value[i]) == (kind == "num")
        assert p.cost["train_tokens"] > 0 and p.cost["train_seconds"] > 0


@pytest.mark.parametrize("training", ["stacked", "sequential"])
def test_two_runs_give_the_same_numbers(table, training):
    first, second = run(table, training=training), run(table, training=training)
    for field in ("p_options", "letter_mass", "value"):
        equal(by_question(table, first, field), by_question(table, second, field))


def test_row_order_changes_nothing(table):
    shuffled = table.sample(frac=1.0, random_state=5).reset_index(drop=True)
    a = by_question(table, run(table), "p_options")
    b = by_question(shuffled, run(shuffled), "p_options")
    equal(a, b)


def test_zero_shot_is_the_model_without_its_adapters_and_computed_once(table, store, monkeypatch):
    free_base()
    first = run(table, store, only=[0])
    base = load_base(TINY, "cpu")
    assert not any("lora" in n or "stacked" in n for n, _ in base.model.named_parameters())
    letters = {"mc_scoring": "letters", "learning_rate": 1e-12}
    untouched = run(table, only=[0], **letters)
    equal(
        by_question(table, untouched, "p_options"),
        by_question(table, untouched, "p_options_zero_shot"),
        tolerance=1e-6,
    )
    zero = by_question(table, first, "p_options_zero_shot")
    free_base()
    calls = []
    original = diagnostic_module.Session.score
    monkeypatch.setattr(
        diagnostic_module.Session,
        "score",
        lambda self, *args, **kwargs: calls.append(args) or original(self, *args, **kwargs),
    )
    again = run(table, store, only=[0])
    assert len(calls) == 1, "held-out scoring alone: zero-shot answers come from the store"
    equal(by_question(table, again, "p_options_zero_shot"), zero)
    equal(
        by_question(table, again, "generated_zero_shot"),
        by_question(table, first, "generated_zero_shot"),
    )


@pytest.mark.parametrize("mc_scoring", ["options", "letters"])
def test_held_out_answers_are_never_read(table, mc_scoring):
    plan = plan_folds(table, k=3, seed=1)
    held = plan.assignment[0] == 0
    spoilt = table.copy()
    spoilt["answer"] = pd.Series(
        [
            ({"mc": 0, "num": 77.0, "open": ["other"]}[f] if h else a)
            for f, a, h in zip(table["format"], table["answer"], held, strict=True)
        ],
        dtype=object,
    )
    folds = [(0, 0)]
    changes = {"mc_scoring": mc_scoring, "validation": 0.2, "epochs": 2.0}
    a, b = (dict(build(**changes).run_folds(t, plan, folds, 1))[0, 0] for t in (table, spoilt))
    for x, y in zip(a.p_options, b.p_options, strict=True):
        assert (x is None and y is None) or np.array_equal(x, y)
    np.testing.assert_array_equal(a.value, b.value)
    assert a.text == b.text


def test_a_base_model_without_template_and_parts_by_format(table):
    model = ModelSettings(name="tiny:base", quantization="none")
    for p in run(table, model=model, per_format=True).values():
        assert all(o is None or o.sum() == pytest.approx(1.0) for o in p.p_options)


@pytest.mark.parametrize(
    "changes",
    [
        {"training": "stacked", "option_orders": 2},
        {"training": "sequential", "validation": 0.3},
        {"training": "stacked", "mc_scoring": "letters"},
    ],
)
def test_saved_adapters_load_in_plain_peft_and_score_the_same(table, store, changes):
    results = run(table, store, only=[1], save_adapters=True, **changes)
    folder = store.folder / "0-1"
    assert sum(f.stat().st_size for f in folder.iterdir()) < 200_000
    plan = plan_folds(table, k=3, seed=1)
    _, heldout = split(table, plan, 0, 1)
    again = build(store, **changes).rescore(heldout, folder)
    for a, b in zip(results[0, 1].p_options, again.p_options, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, atol=5e-3)  # bf16 on disk
    assert (folder / "tst_head.safetensors").is_file()
    base = load_base(TINY, "cpu")
    with bare_again(base):
        model = PeftModel.from_pretrained(base.model, str(folder))
        assert model.peft_config["default"].r == 8


def test_several_adapters_per_fold(table, store):
    """They differ, train stacked as one after the other, and are read back from the record."""
    changes = {"adapters_per_fold": 2, "validation": 0.3, "option_orders": 2, "dropout": 0.0}
    stacked = run(table, store, only=[1], save_adapters=True, **changes)
    sequential = run(table, only=[1], **{**changes, "training": "sequential"})
    alone = run(table, only=[1], **{**changes, "adapters_per_fold": 1})
    for p, q, single in zip(
        *(r[0, 1].p_options for r in (stacked, sequential, alone)), strict=True
    ):
        if p is not None:
            np.testing.assert_allclose(p, q, atol=2e-5)
            assert np.abs(p - single).max() > 1e-6
    np.testing.assert_allclose(stacked[0, 1].value, sequential[0, 1].value, equal_nan=True)
    assert stacked[0, 1].text == sequential[0, 1].text
    assert stacked[0, 1].cost["train_steps"] == pytest.approx(2 * alone[0, 1].cost["train_steps"])
    folder = store.folder / "0-1"
    assert sorted(f.name for f in folder.iterdir()) == ["adapter-1", "adapter-2"]
    heldout = split(table, plan_folds(table, k=3, seed=1), 0, 1)[1]
    again = build(store, **changes).rescore(heldout, folder)
    for a, b in zip(stacked[0, 1].p_options, again.p_options, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, atol=5e-3)  # bf16 on disk
    history = stacked[0, 1].history
    assert history["step"].is_unique and history["tokens"].is_monotonic_increasing


def test_letters_train_on_target_tokens_alone(table, monkeypatch):
    """The paper's adapter: reading numbers by a head must not change it."""

    def options() -> np.ndarray:
        results = run(table, only=[0], mc_scoring="letters", epochs=3.0, max_grad_norm=0.01)
        return np.concatenate([p for p in results[0, 0].p_options if p is not None])

    def without_numbers(self, train, counted):
        found = original(self, train, counted)
        return [Example(e.prompts, e.target) if e.number else e for e in found]

    whole = options()
    original = FoldTasks._examples
    monkeypatch.setattr(FoldTasks, "_examples", without_numbers)
    np.testing.assert_allclose(whole, options(), atol=1e-6)


@pytest.mark.parametrize("training", ["stacked", "sequential"])
def test_out_of_memory_in_a_fold_starts_it_again_smaller(table, monkeypatch, training):
    # with dropout questions have rows of their own, so that rows tell the size of a pass
    whole = run(table, training=training, dropout=0.1)
    original = AnswerHead.logits
    seen: list[int] = []

    def tight(self, input_ids, positions, states=None, **kwargs):
        if self.model.training:
            seen.append(len(input_ids))
            if len(input_ids) > 6 or (len(seen) > 3 and len(input_ids) > 3):
                raise torch.OutOfMemoryError("injected")
        return original(self, input_ids, positions, states, **kwargs)

    monkeypatch.setattr(AnswerHead, "logits", tight)
    tightened = run(table, training=training, dropout=0.1)
    assert max(seen) > min(seen)
    equal(by_question(table, whole, "p_options"), by_question(table, tightened, "p_options"), 1e-4)


def test_a_failed_job_leaves_nothing_behind(table, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("injected")

    with monkeypatch.context() as patch:
        patch.setattr(AnswerHead, "logits", broken)
        with pytest.raises(RuntimeError, match="injected"):
            run(table)
    assert run(table).keys() == {(0, 0), (0, 1), (0, 2)}


def test_memory_does_not_grow_over_ten_jobs(table):
    def live() -> tuple[int, int]:
        gc.collect()
        tensors = [o for o in gc.get_objects() if type(o) in (torch.Tensor, torch.nn.Parameter)]
        return len(tensors), sum(t.numel() for t in tensors)

    training = ["stacked", "sequential"]
    for i in range(2):
        run(table, only=[0], training=training[i])
    before, peak = live(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for i in range(10):
        run(table, only=[0], training=training[i % 2])
    after = live()
    assert after[0] <= before[0] + 5
    assert after[1] <= before[1] * 1.01
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < peak + 100_000  # KiB


def test_a_missing_model_is_one_message(table):
    model = ModelSettings(name="/nowhere/model", quantization="none")
    with pytest.raises(UserError, match="there is no such folder"):
        run(table, model=model)
    with pytest.raises(UserError, match="known wheels"):
        run(table, model=ModelSettings(name="wheel:nothing"))


def test_dora_runs_sequentially(table):
    assert build(use_dora=True, training="auto").folds_at_once == 1
    assert run(table, only=[0], use_dora=True, training="auto").keys() == {(0, 0)}


def test_a_base_spread_by_device_map_gives_the_same_numbers(table, tmp_path):
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer))).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    config = compose([f"model.name={tmp_path}", "model.quantization=none", "model.device_map=auto"])
    spread = config.model
    assert spread.device_map == "auto"
    with pytest.raises(UserError, match="folds stack on one"):
        build(model=spread, training="stacked")
    whole = dataclasses.replace(spread, device_map=None)
    of = [run(table, model=m, training="sequential") for m in (spread, whole)]
    equal(*(by_question(table, results, "p_options") for results in of), tolerance=1e-6)
