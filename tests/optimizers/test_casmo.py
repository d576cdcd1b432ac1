"""CASMO against plain per-tensor references: equal bit for bit, in float32, on a CPU."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from tests.optimizers.references import LoopCasmo, SignalNoiseAdamW
from tst.optimizers.casmo import SLAB_BYTES, Casmo

SHAPES = [(16, 24), (8, 16), (16, 24), (40, 16), (5,), (), (3, 4, 8), (16, 2304)]
DEFAULTS = {"lr": 2e-4, "weight_decay": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}


def make_params(shapes, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(s, generator=generator).to(dtype)) for s in shapes]


def give_gradients(params, step, seed=1):
    generator = torch.Generator().manual_seed(1000 * seed + step)
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator).to(p.dtype)


def train(optimizer, params, steps, start=0):
    for step in range(start, start + steps):
        give_gradients(params, step)
        optimizer.step()


def assert_same(params, others):
    for p, q in zip(params, others, strict=True):
        assert torch.equal(p, q)


def test_equals_the_formulas_tensor_by_tensor():
    params, others = make_params(SHAPES), make_params(SHAPES)
    optimizer, reference = Casmo(params, **DEFAULTS), LoopCasmo(others, **DEFAULTS)
    for step in range(30):
        give_gradients(params, step)
        give_gradients(others, step)
        optimizer.step()
        reference.step()
        assert_same(params, others)
    confidence, agar = torch.cat(reference.confidences).mean(), torch.cat(reference.agars).mean()
    assert torch.allclose(optimizer.confidence, confidence, rtol=1e-6)
    assert torch.allclose(optimizer.agar, agar, rtol=1e-6)


@settings(max_examples=12)
@given(
    shapes=st.lists(
        st.sampled_from([(7,), (3, 5), (16, 2304), (9216, 16), ()]), min_size=1, max_size=4
    ),
    c_min=st.floats(0, 1),
    rho=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    r_floor=st.floats(0, 1),
    weight_decay=st.sampled_from([0.0, 0.1]),
)
def test_equals_the_formulas_for_any_shapes_and_settings(shapes, c_min, rho, r_floor, weight_decay):
    chosen = {**DEFAULTS, "weight_decay": weight_decay}
    chosen |= {"c_min": c_min, "rho": rho, "r_floor": r_floor}
    params, others = make_params(shapes), make_params(shapes)
    train(Casmo(params, **chosen), params, 3)
    train(LoopCasmo(others, **chosen), others, 3)
    assert_same(params, others)


def test_without_trust_and_focus_it_is_adamw_with_signal_plus_noise():
    params, others = make_params(SHAPES), make_params(SHAPES)
    optimizer = Casmo(params, **DEFAULTS, rho=0.0, r_floor=1.0)
    train(optimizer, params, 12)
    train(SignalNoiseAdamW(others, **DEFAULTS), others, 12)
    assert_same(params, others)
    assert optimizer.confidence == 1


def test_first_step_has_equal_signal_and_noise():
    (p,) = params = make_params([(4, 6)])
    optimizer = Casmo(params, lr=1.0, weight_decay=0.0)
    assert optimizer.confidence.isnan()
    before = p.detach().clone()
    give_gradients(params, 0)
    optimizer.step()
    # m^ = g and s^ = g^2: AGAR = 1/2, focus = 1, trust = 0.55, step = sqrt(trust / 2) sign(g)
    assert optimizer.agar == pytest.approx(0.5)
    assert optimizer.confidence == pytest.approx(0.55**0.5, rel=1e-6)
    expected = before - (0.55 / 2) ** 0.5 * p.grad.sign()
    assert torch.allclose(p.detach(), expected, atol=1e-5)


def test_zero_gradients_have_no_agar_and_move_nothing():
    (p,) = params = make_params([(4, 6)])
    optimizer = Casmo(params, lr=0.1, weight_decay=0.0)
    before = p.detach().clone()
    p.grad = torch.zeros_like(p)
    optimizer.step()
    assert torch.equal(p.detach(), before)
    assert optimizer.agar == 0
    assert optimizer.confidence == pytest.approx(0.1**0.5 * 0.1)


def test_agreeing_gradients_are_trusted_more_than_alternating_ones():
    steady, erratic = make_params([(32, 32)]), make_params([(32, 32)])
    first, second = Casmo(steady), Casmo(erratic)
    for step in range(30):
        steady[0].grad = torch.ones(32, 32)
        erratic[0].grad = torch.ones(32, 32) * (-1) ** step
        first.step()
        second.step()
    assert first.agar > 0.5 > 0.1 > second.agar
    assert first.confidence > 2 * second.confidence


def test_a_tensor_moves_the_same_whatever_is_beside_it():
    alone, beside = make_params([(9216, 16)]), make_params([(9216, 16)] * 4)
    one, many = Casmo(alone, **DEFAULTS), Casmo(beside, **DEFAULTS)
    for step in range(3):
        give_gradients(alone, step)
        give_gradients(beside, step)
        beside[0].grad = alone[0].grad.clone()
        one.step()
        many.step()
    assert torch.equal(alone[0], beside[0])


def test_parameter_groups_have_their_own_settings():
    params, others = make_params(SHAPES), make_params(SHAPES)
    slow = {"lr": 1e-5, "weight_decay": 0.0, "rho": 1.0}
    groups = [{"params": params[:3]}, {"params": params[3:], **slow}]
    train(Casmo(groups, **DEFAULTS), params, 5)
    first, second = (
        LoopCasmo(others[:3], **DEFAULTS),
        LoopCasmo(others[3:], **{**DEFAULTS, **slow}),
    )
    for step in range(5):
        give_gradients(others, step)
        first.step()
        second.step()
    assert_same(params, others)


def test_parameters_without_gradient_are_left_alone():
    params = make_params([(4, 4), (4, 4)])
    before = params[1].detach().clone()
    optimizer = Casmo(params, **DEFAULTS)
    give_gradients(params, 0)
    params[1].grad = None
    optimizer.step()
    assert torch.equal(params[1].detach(), before)
    assert not optimizer.state[params[1]]
    confidence = optimizer.confidence
    optimizer.zero_grad()
    optimizer.step()
    assert torch.equal(optimizer.confidence, confidence)


def test_late_gradients_get_their_own_bias_correction():
    params, others = make_params([(4, 4), (4, 4)]), make_params([(4, 4)], seed=3)
    params[1].data.copy_(others[0].data)
    optimizer, reference = Casmo(params, **DEFAULTS), Casmo(others, **DEFAULTS)
    for step in range(6):
        give_gradients(params, step)
        others[0].grad = params[1].grad.clone()
        if step < 3:
            params[1].grad = None
        else:
            reference.step()
        optimizer.step()
    assert torch.equal(params[1], others[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_state_dict_round_trip_continues_bit_for_bit(dtype, tmp_path):
    params, others = make_params(SHAPES, dtype=dtype), make_params(SHAPES, dtype=dtype)
    optimizer, restored = Casmo(params, **DEFAULTS), Casmo(others, lr=1.0)
    train(optimizer, params, 4)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    restored.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    with torch.no_grad():
        for p, q in zip(params, others, strict=True):
            q.copy_(p)
    train(optimizer, params, 4, start=4)
    train(restored, others, 4, start=4)
    assert_same(params, others)
    assert_same(*([s["exp_noise"] for s in o.state.values()] for o in (optimizer, restored)))


def test_state_is_two_tensors_a_parameter_and_float32_for_bfloat16():
    params = make_params(SHAPES, dtype=torch.bfloat16)
    optimizer = Casmo(params, **DEFAULTS)
    train(optimizer, params, 2)
    for state in optimizer.state.values():
        tensors = [v for v in state.values() if isinstance(v, torch.Tensor)]
        assert len(tensors) == 2
        assert {t.dtype for t in tensors} == {torch.float32}


def test_slabs_larger_than_the_limit_change_nothing(monkeypatch):
    params, others = make_params(SHAPES), make_params(SHAPES)
    train(Casmo(params, **DEFAULTS), params, 3)
    monkeypatch.setitem(SLAB_BYTES, "cpu", 1)
    train(Casmo(others, **DEFAULTS), others, 3)
    assert_same(params, others)


def test_closure_is_evaluated_with_gradients():
    (p,) = params = make_params([(4,)])
    optimizer = Casmo(params, lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(20)]
    assert losses[-1] < losses[0]


class NoReadback(TorchDispatchMode):
    """Fails on every operation that would make a GPU wait for the host or the other way round."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        banned = ("_local_scalar_dense", "nonzero", "is_nonzero", "equal", "masked_select")
        assert func.overloadpacket.__name__ not in banned, f"{func} reads back"
        return func(*args, **(kwargs or {}))


def test_a_step_reads_nothing_back():
    params = make_params(SHAPES)
    optimizer = Casmo(params, **DEFAULTS)
    train(optimizer, params, 1)
    with pytest.raises(AssertionError), NoReadback():
        params[0].sum().item()
    with NoReadback():
        optimizer.step()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_step_on_a_gpu_does_not_synchronise_and_agrees_with_the_cpu():
    params = make_params(SHAPES)
    others = [torch.nn.Parameter(p.detach().cuda()) for p in params]
    optimizer, on_gpu = Casmo(params, **DEFAULTS), Casmo(others, **DEFAULTS)
    for step in range(5):
        give_gradients(params, step)
        for p, q in zip(params, others, strict=True):
            q.grad = p.grad.cuda()
        optimizer.step()
        torch.cuda.set_sync_debug_mode("error")
        on_gpu.step()
        torch.cuda.set_sync_debug_mode("default")
    for p, q in zip(params, others, strict=True):
        assert torch.allclose(p, q.cpu(), atol=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        {"lr": -1.0},
        {"lr": torch.tensor(0.1)},
        {"betas": (1.0, 0.999)},
        {"eps": 0.0},
        {"weight_decay": -0.1},
        {"c_min": 1.5},
        {"rho": -1.0},
        {"r_floor": 2.0},
    ],
)
def test_bad_settings_are_named(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Casmo(make_params([(3,)]), **bad)


def test_bad_settings_are_all_named_at_once():
    with pytest.raises(ValueError, match="rho=-1") as error:
        Casmo(make_params([(3,)]), rho=-1, c_min=7)
    assert "c_min=7" in str(error.value)


def test_a_deep_copy_continues_alike():
    params = make_params(SHAPES)
    optimizer = Casmo(params, **DEFAULTS)
    train(optimizer, params, 2)
    saved, weights = copy.deepcopy(optimizer.state_dict()), [p.detach().clone() for p in params]
    train(optimizer, params, 2, start=2)
    after = [p.detach().clone() for p in params]
    with torch.no_grad():
        for p, w in zip(params, weights, strict=True):
            p.copy_(w)
    optimizer.load_state_dict(saved)
    train(optimizer, params, 2, start=2)
    assert_same(params, after)
