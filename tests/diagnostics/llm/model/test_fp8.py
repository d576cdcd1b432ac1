"""A base in float8: what it computes, what is differentiated, and where it is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tst.core.errors import UserError
from tst.diagnostics.llm.model.fp8 import Fp8Linear, quantise_rows, require_fp8, to_fp8
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.loading import BaseModel, load_base
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.steps import FoldTask

gpu = pytest.mark.skipif(
    not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 9),
    reason="needs a GPU with float8 products",
)


def _emulated() -> bool:
    """Whether this torch multiplies in float8 on a CPU, with a scale per row."""
    ones = torch.ones(16, 16).to(torch.float8_e4m3fn)
    scales = torch.ones(16, 1)
    try:
        torch._scaled_mm(
            ones, ones.t(), scale_a=scales, scale_b=scales.t(), out_dtype=torch.bfloat16
        )
    except RuntimeError:
        return False
    return True


emulation = pytest.mark.skipif(not _emulated(), reason="this torch has no such products on a CPU")
DEVICES = [pytest.param("cpu", marks=emulation), pytest.param("cuda", marks=gpu)]
STEP = 2.0**-4
"""Most that rounding to e4m3 (three bits after the first) moves a number, relative to it."""


def rows_of(m: int, n: int, device: str = "cpu") -> torch.Tensor:
    drawn = torch.randn(m, n, generator=torch.Generator().manual_seed(m + n))
    spread = torch.logspace(-3, 3, m)[:, None]
    return (drawn * spread).to(device=device, dtype=torch.bfloat16)


def dequantised(layer: Fp8Linear) -> torch.Tensor:
    return layer.quantised.float() * layer.scale


def test_rows_are_scaled_by_their_own_largest_number():
    x = rows_of(12, 64)
    x[3] = 0.0
    quantised, scales = quantise_rows(x)
    assert quantised.dtype == torch.float8_e4m3fn and scales.shape == (12, 1)
    back = quantised.float() * scales
    smallest = x.float().abs().amax(1, keepdim=True) * 2.0**-16
    assert ((back - x.float()).abs() <= STEP * x.float().abs() + smallest).all()
    assert not back[3].any()
    by_column = torch.linspace(0.1, 10.0, 64)
    expected, scales_expected = quantise_rows(x.float() * by_column)
    found, scales_found = quantise_rows(x, by_column)
    torch.testing.assert_close(found.float(), expected.float())
    torch.testing.assert_close(scales_found, scales_expected)


def test_a_cpu_is_refused_with_what_to_use():
    said = "model.quantization=fp8 needs an Ada, Hopper or newer GPU and bfloat16; this is a cpu"
    with pytest.raises(UserError, match=said):
        require_fp8(torch.device("cpu"), "bfloat16")
    with pytest.raises(UserError, match=said):
        load_base(ModelSettings("tiny", quantization="fp8"), "cpu")


def test_layers_whose_sizes_float8_does_not_take_stay():
    model = build_model(tiny_config(len(build_tokenizer()), hidden=32))
    odd = nn.Linear(32, 40, bias=False)
    model.model.layers[0].mlp.up_proj = odd
    to_fp8(model)
    kinds = {name: type(m) for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    assert kinds.pop("lm_head") is nn.Linear
    assert kinds.pop("model.layers.0.mlp.up_proj") is nn.Linear
    assert set(kinds.values()) == {Fp8Linear} and len(kinds) == 13
    layer = model.model.layers[1].self_attn.q_proj
    assert layer.weight.shape == (32, 32) and layer.weight.dtype == torch.float32


@gpu
@pytest.mark.parametrize("columns", [32, 576, 14336])
def test_the_fused_kernel_scales_as_the_reference_does(columns):
    x, by_column = rows_of(40, columns, "cuda"), torch.rand(columns, device="cuda")
    for multiplier in (None, by_column):
        quantised, scales = quantise_rows(x, multiplier)
        expected, scales_expected = quantise_rows(
            x.cpu(), None if multiplier is None else multiplier.cpu()
        )
        torch.testing.assert_close(scales.cpu(), scales_expected)
        # a number on the border of two may fall to either side
        apart = (quantised.float().cpu() - expected.float()).abs()
        assert (apart <= 2 * STEP * expected.float().abs() + 2.0**-8).all()
        assert (apart > 0).float().mean() < 0.02


@pytest.mark.parametrize("device", DEVICES)
def test_products_and_gradients_are_those_of_the_weights_as_held(device):
    linear = nn.Linear(576, 1536).to(device, torch.bfloat16)
    layer = Fp8Linear(linear)
    x = rows_of(64, 576, device).view(4, 16, 576).requires_grad_(True)
    y = layer(x)
    weight = dequantised(layer)
    exact = torch.nn.functional.linear(x.float(), weight, linear.bias.float())
    scale = exact.std(dim=-1, keepdim=True)
    assert ((y.float() - exact) / scale).abs().mean() < 0.05
    gradient = torch.randn_like(y)
    y.backward(gradient)
    expected = gradient.float() @ weight
    apart = (x.grad.float() - expected).norm() / expected.norm()
    assert apart < 0.05


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("top", ["all", 1])
def test_adapters_train_on_it_stacked_and_one_by_one(device, top):
    tokenizer = build_tokenizer()
    model = build_model(tiny_config(len(tokenizer), layers=2, hidden=64)).to(device, torch.bfloat16)
    model.requires_grad_(False).eval()
    to_fp8(model)
    base = BaseModel(model, tokenizer, model.device, torch.bfloat16, "fp8", "made")
    chosen = LoraSettings(top_layers=top, dropout=0.0, learning_rate=2e-2)
    tasks = [
        FoldTask([Example([Prompt([6, 7, 8 + i + j])], [9]) for i in range(32)], 1 + j, 7)
        for j in range(2)
    ]
    lower = None if top == "all" else LowerStates(LayerCut(model, top))
    adamw = OptimizerSettings()
    with stacked_training(base, chosen, adamw, tasks, MemoryPlan(4, folds=2), lower=lower) as (
        _,
        stacked,
    ):
        pass
    for fold, task in enumerate(tasks):
        with trained_adapter(base, chosen, adamw, task, MemoryPlan(4), lower=lower) as (_, alone):
            pass
        together, apart = (
            t["loss"].to_numpy() for t in (stacked.histories[fold], alone.histories[0])
        )
        assert together[-1] < together[0] - 1.0, "it must learn"
        assert abs(together.mean() - apart.mean()) < 0.1
