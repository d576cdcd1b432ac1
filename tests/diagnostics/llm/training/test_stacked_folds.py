"""Stacked training is sequential training, fold for fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tests.diagnostics.llm.conftest import TINY
from tst.core.folds import plan_folds
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.loading import load_base
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.fold_optimizer import FoldAdamW, FoldSteps, fold_rates
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.stacked_adapters import StackedAdapters
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.steps import FoldTask


def settings(**changes: object) -> LoraSettings:
    base = {"epochs": 3.0, "learning_rate": 5e-3, "dropout": 0.0, "max_grad_norm": 0.1, "r": 4}
    return LoraSettings(**{**base, **changes})


def flat(predictions: dict) -> np.ndarray:
    """All probabilities and letter masses of a run in one vector."""
    values = []
    for at in sorted(predictions):
        p = predictions[at]
        values += [x for options in p.p_options if options is not None for x in options]
        values += [x for x in p.letter_mass if np.isfinite(x)]
    return np.array(values)


def run(
    table: pd.DataFrame,
    k: int,
    group_by: str | None,
    optimizer: OptimizerSettings | None = None,
    **changes: object,
) -> dict:
    plan = plan_folds(table, k=k, seed=3, group_by=group_by)
    diagnostic = LoraLLMDiagnostic(
        settings(**changes), TINY, optimizer or OptimizerSettings(), None, "cpu"
    )
    return dict(diagnostic.run_folds(table, plan, plan.folds(), 3))


@pytest.mark.parametrize(
    ("k", "group_by", "changes"),
    [
        (2, None, {}),
        (2, "scene", {}),  # one fold is too small to hold questions back from its training
        (5, "scene", {}),
        (10, None, {"epochs": 1.0, "weight_decay": 0.1, "use_rslora": True}),
        (3, None, {"micro_batch": 2, "scheduler": "linear"}),
    ],
)
def test_stacked_scores_equal_sequential_ones(table, k, group_by, changes):
    stacked = run(table, k, group_by, training="stacked", folds_at_once=k, **changes)
    sequential = run(table, k, group_by, training="sequential", **changes)
    assert stacked.keys() == sequential.keys()
    np.testing.assert_allclose(flat(stacked), flat(sequential), rtol=0, atol=2e-5)
    zero_shot = [p for r in stacked.values() for p in r.p_options_zero_shot if p is not None]
    trained = [p for r in stacked.values() for p in r.p_options if p is not None]
    moved = max(np.abs(a - b).max() for a, b in zip(trained, zero_shot, strict=True))
    assert moved > 1e-2, "training must have changed something for equality to mean anything"
    for at, p in stacked.items():
        assert p.generated == sequential[at].generated
    if (k, group_by) == (5, "scene"):
        in_parts = run(table, k, group_by, training="stacked", folds_at_once=2, **changes)
        np.testing.assert_allclose(flat(in_parts), flat(sequential), rtol=0, atol=2e-5)


CASMO = OptimizerSettings("casmo", {"betas": [0.9, 0.99], "c_min": 0.2, "rho": 1.0})
CALIBRATED = OptimizerSettings("casmo_calibrated", {"tau_init_steps": 50})


@pytest.mark.parametrize("optimizer", [CASMO, CALIBRATED], ids=lambda o: o.name)
def test_optimizers_that_average_over_weights_do_so_fold_by_fold(table, optimizer):
    epochs = 3.0
    if optimizer is CALIBRATED:
        pytest.importorskip("casmo")
        epochs = 12.0  # past 50 steps, where the package calibrates
    changes = {"weight_decay": 0.1, "epochs": epochs}
    stacked = run(table, 2, "scene", optimizer, training="stacked", **changes)
    sequential = run(table, 2, "scene", optimizer, training="sequential", **changes)
    np.testing.assert_allclose(flat(stacked), flat(sequential), rtol=0, atol=5e-5)
    adamw = run(table, 2, "scene", training="stacked", **changes)
    assert np.abs(flat(stacked) - flat(adamw)).max() > 1e-3


def tasks(n: int) -> list[FoldTask]:
    draw = torch.Generator().manual_seed(0)

    def ids(low: int, high: int) -> list[int]:
        length = int(torch.randint(low, high, (1,), generator=draw))
        return torch.randint(6, 200, (length,), generator=draw).tolist()

    return [
        FoldTask([Example([Prompt(ids(3, 20))], ids(1, 4)) for _ in range(21 + 6 * j)], 100 + j, 7)
        for j in range(n)
    ]


@pytest.mark.parametrize("optimizer", [OptimizerSettings(), CASMO], ids=lambda o: o.name)
def test_stacked_adapters_equal_sequential_ones_weight_by_weight(optimizer):
    base = load_base(TINY, "cpu")
    chosen = settings(epochs=4.0)
    for_each = {}
    with stacked_training(base, chosen, optimizer, tasks(3), MemoryPlan(4, folds=3)) as (
        adapters,
        training,
    ):
        pass
    for j in range(3):
        with adapters.as_peft(j) as model:
            for_each[j] = {
                n: p.detach().clone() for n, p in model.named_parameters() if "lora" in n
            }
    for j, task in enumerate(tasks(3)):
        with trained_adapter(base, chosen, optimizer, task, MemoryPlan(4)) as (model, _):
            own = {n: p.detach() for n, p in model.named_parameters() if "lora" in n}
            assert own.keys() == for_each[j].keys()
            for name, weight in own.items():
                torch.testing.assert_close(for_each[j][name], weight, rtol=1e-4, atol=1e-5)
    assert training.cost.steps == pytest.approx(
        sum(-(-(21 + 6 * j) // 4) * 4 for j in range(3)) / 3
    )


def test_a_finished_fold_keeps_weights_and_state():
    weights = torch.nn.Parameter(torch.ones(2, 3))
    rates, active = fold_rates(settings(weight_decay=0.5), [2, 4], [0, 0])
    optimizer = FoldAdamW(weights, FoldSteps(rates, active, weight_decay=0.5))
    for step in range(4):
        weights.grad = torch.full((2, 3), 1.0)
        optimizer.step()
        if step == 1:
            kept, mean = weights[0].clone(), optimizer.mean[0].clone()
    assert torch.equal(weights[0], kept)
    assert torch.equal(optimizer.mean[0], mean)
    assert not torch.equal(weights[1], kept)


def test_stacked_columns_are_each_weight_of_an_adapter_once():
    base = load_base(TINY, "cpu")
    adapters = StackedAdapters(base, settings(), [5])
    with adapters.as_peft(0) as model:
        own = [p.detach() for n, p in model.named_parameters() if "lora" in n]
    columns = adapters.columns()
    assert torch.cat(columns).sort().values.tolist() == list(range(adapters.weights.shape[1]))
    stacked = [adapters.weights[0].detach()[c] for c in columns]
    sums = [sorted(float(t.square().sum()) for t in tensors) for tensors in (own, stacked)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-5)


def test_folds_do_not_mix(table):
    """A fold's adapter is the same whatever other folds train at the same time."""
    plan = plan_folds(table, k=4, seed=3)
    whole = LoraLLMDiagnostic(settings(), TINY, OptimizerSettings(), None, "cpu")
    beside = dict(whole.run_folds(table, plan, [(0, 0), (0, 1), (0, 2)], 3))
    alone = dict(whole.run_folds(table, plan, [(0, 1)], 3))
    a, b = flat({0: beside[0, 1]}), flat({0: alone[0, 1]})
    np.testing.assert_allclose(a, b, rtol=0, atol=2e-5)


def test_dropout_does_not_depend_on_how_folds_are_trained(table):
    # not calibrated, which would hide that a model that learned little learned something else
    dropout = {"dropout": 0.3, "training": "stacked", "epochs": 2.0, "validation": 0.0}
    at_once = flat(run(table, 3, None, **dropout))
    for changes in ({"folds_at_once": 2}, {"training": "sequential"}, {"micro_batch": 2}):
        other = flat(run(table, 3, None, **dropout | changes))
        np.testing.assert_allclose(at_once, other, atol=2e-5, err_msg=str(changes))
    without = flat(run(table, 3, None, **dropout | {"dropout": 0.0}))
    assert np.abs(at_once - without).max() > 1e-3, "dropout must have changed something"


def test_a_resumed_record_has_the_predictions_of_one_run(table):
    plan = plan_folds(table, k=4, seed=3)
    diagnostic = LoraLLMDiagnostic(settings(dropout=0.3), TINY, OptimizerSettings(), None, "cpu")
    whole = dict(diagnostic.run_folds(table, plan, plan.folds(), 3))
    resumed = dict(diagnostic.run_folds(table, plan, [(0, 1)], 3))
    resumed |= dict(diagnostic.run_folds(table, plan, [(0, 0), (0, 2), (0, 3)], 3))
    np.testing.assert_allclose(flat(whole), flat(resumed), rtol=0, atol=2e-5)
