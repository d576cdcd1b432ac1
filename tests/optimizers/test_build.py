"""Optimizers by name; the package's CASMO on one tensor moves as it does on many."""

import copy
import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tst.core.errors import UserError
from tst.core.ranges import find_range_problems
from tst.optimizers.build import build_optimizer, require_usable
from tst.optimizers.settings import OptimizerSettings, find_unknown_parameters

SHAPES = [(16, 24), (8, 16), (5,), (3, 4, 8)]


def make_params():
    draw = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=draw)) for shape in SHAPES]


def give_gradients(params, step):
    draw = torch.Generator().manual_seed(step)
    for p in params:
        p.grad = torch.randn(p.shape, generator=draw)


def test_bad_values_and_missing_packages_are_refused(monkeypatch):
    with pytest.raises(UserError, match="c_min=3"):
        require_usable(OptimizerSettings("casmo", {"c_min": 3}), 1e-3, 0.0)
    monkeypatch.setitem(__import__("sys").modules, "casmo", None)
    monkeypatch.delitem(__import__("sys").modules, "tst.optimizers.calibrated", raising=False)
    with pytest.raises(UserError, match="pip install casmo-optimizer"):
        require_usable(OptimizerSettings("casmo_calibrated"), 1e-3, 0.0)


def test_unknown_names_and_parameters_are_named():
    (problem,) = find_range_problems(OptimizerSettings("sgd"))
    assert "casmo_calibrated" in problem
    (problem,) = find_unknown_parameters(OptimizerSettings("casmo", {"rho": 1.0, "momentum": 0.9}))
    assert "momentum" in problem and "r_floor" in problem


def test_parameters_of_the_config_reach_the_optimizer():
    settings = OptimizerSettings("casmo", {"betas": [0.9, 0.99], "rho": 1.0})
    (group,) = build_optimizer(settings, make_params(), 1e-3, 0.0).optimizer.param_groups
    assert (group["betas"], group["rho"], group["lr"]) == ((0.9, 0.99), 1.0, 1e-3)


def test_the_package_moves_one_long_tensor_as_its_parts():
    package = pytest.importorskip("casmo")
    ours, theirs = make_params(), make_params()
    settings = OptimizerSettings("casmo_calibrated", {"tau_init_steps": 50})
    readable = build_optimizer(settings, ours, 1e-2, 0.1)
    reference = package.CASMO(theirs, lr=1e-2, weight_decay=0.1, tau_init_steps=50)
    for step in range(60):  # also past its calibration
        give_gradients(ours, step)
        give_gradients(theirs, step)
        readable.optimizer.step()
        reference.step()
        readable.optimizer.zero_grad()
        confidence, agar = readable.read()
        assert math.isnan(confidence) == (step < 49) and math.isfinite(agar)
    assert all(p.grad is None for p in ours)
    for p, q in zip(ours, theirs, strict=True):
        assert p.shape == q.shape and torch.equal(p, q)
    state = reference._group_states[0]
    assert readable.read() == (state["current_confidence"], state["current_agar"])


class Readbacks(TorchDispatchMode):
    """Counts the operations that make the host wait for a GPU."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func.overloadpacket.__name__ == "_local_scalar_dense"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("name", "most"), [("adamw", 0), ("casmo", 0), ("casmo_calibrated", 5)])
def test_waits_do_not_grow_with_the_number_of_tensors(name, most):
    if name == "casmo_calibrated":
        pytest.importorskip("casmo")
    params = make_params()
    readable = build_optimizer(OptimizerSettings(name), params, 1e-2, 0.1)
    give_gradients(params, 0)
    with Readbacks() as readbacks:
        readable.optimizer.step()
        readable.read()
    assert readbacks.count <= most


def test_the_packages_state_goes_round():
    pytest.importorskip("casmo")
    settings = OptimizerSettings("casmo_calibrated", {"tau_init_steps": 50})
    params, others = make_params(), make_params()
    first = build_optimizer(settings, params, 1e-2, 0.1).optimizer
    for step in range(3):
        give_gradients(params, step)
        first.step()
    second = build_optimizer(settings, others, 1e-2, 0.1).optimizer
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    with torch.no_grad():
        for p, q in zip(params, others, strict=True):
            q.copy_(p)
    for optimizer, own in ((first, params), (second, others)):
        give_gradients(own, 3)
        optimizer.step()
    for p, q in zip(params, others, strict=True):
        assert torch.equal(p, q)
