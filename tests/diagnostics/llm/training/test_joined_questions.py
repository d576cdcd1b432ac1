"""Questions of a step that share a row train the same adapters; others keep rows of their own."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from tests.diagnostics.llm.conftest import TINY
from tests.diagnostics.llm.scoring.test_row_trial import all_seen
from tests.diagnostics.llm.training.test_stacked_folds import settings
from tests.diagnostics.llm.training.test_top_layers import trained
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.loading import BaseModel, free_base, load_base
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.examples import Example
from tst.diagnostics.llm.scoring import row_trial
from tst.diagnostics.llm.training.answer_trainer import AnswerTrainer
from tst.diagnostics.llm.training.steps import FoldTask, draws_dropout, joins_questions

ALIKE = list(range(20, 40))


def tasks(n: int) -> list[FoldTask]:
    """Questions with target tokens and with options, which begin alike."""
    draw = torch.Generator().manual_seed(1)

    def ids(low: int, high: int) -> list[int]:
        length = int(torch.randint(low, high, (1,), generator=draw))
        return torch.randint(6, 200, (length,), generator=draw).tolist()

    def example(i: int) -> Example:
        rest = ids(3, 12)
        if i % 2:
            return Example([Prompt([*ALIKE, *rest])], ids(1, 4), by_token=False)
        ends = [len(ALIKE) + 1, len(ALIKE) + len(rest) - 1]
        goals, offsets = torch.tensor([0.9, 0.1]).numpy(), torch.zeros(2).numpy()
        return Example([Prompt([*ALIKE, *rest], ends)], [], goals, offsets)

    return [
        FoldTask([example(i) for i in range(11 + 3 * j)], 100 + j, 7, yes_no=(8, 9))
        for j in range(n)
    ]


@pytest.fixture
def base():
    yield load_base(TINY, "cpu")
    free_base()


@pytest.fixture
def told(monkeypatch) -> list[int]:
    """Same questions for both ways; tokens of each pass through the uppermost layer."""
    monkeypatch.setattr("tests.diagnostics.llm.training.test_top_layers.tasks", tasks)
    return []


def count_tokens(base: BaseModel, told: list[int]):
    def note(layer: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        if layer.training:
            told.append(args[0].shape[0] * args[0].shape[1])

    return base.model.get_decoder().layers[-1].register_forward_pre_hook(note)


@pytest.mark.parametrize("training", ["stacked", "sequential"])
@pytest.mark.parametrize("top", ["all", 1])
def test_adapters_are_those_of_rows_of_their_own(base, told, monkeypatch, training, top):
    chosen = settings(epochs=2.0, batch_size=3, top_layers=top)
    lower = None if top == "all" else LowerStates(LayerCut(base.model, 1))
    handle = count_tokens(base, told)
    with trained(base, chosen, training, lower) as weights:
        joined, told[:] = sum(told), []
    monkeypatch.setattr(AnswerTrainer, "compute_sparingly", lambda *_: None)
    with trained(base, chosen, training, lower) as expected:
        pass
    handle.remove()
    assert 0 < joined < 0.8 * sum(told)
    assert weights.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-4, atol=1e-5)
    assert any(w.abs().max() > 1e-3 for (_, name), w in weights.items() if "lora_B" in name)


def test_where_nothing_is_joined(base, monkeypatch):
    assert joins_questions(base.model, settings(), tasks(2))
    assert not joins_questions(base.model, settings(batch_size=1), tasks(2))
    monkeypatch.setattr(sys.modules[__name__], "ALIKE", [])
    assert not joins_questions(base.model, settings(), tasks(2))


def test_dropout_of_adapters_or_of_the_model_is_told(base):
    assert not draws_dropout(base.model, settings())
    assert draws_dropout(base.model, settings(dropout=0.1))
    base.model.config.attention_dropout = 0.1
    try:
        assert draws_dropout(base.model, settings())
    finally:
        base.model.config.attention_dropout = 0.0


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
def test_nothing_is_spared_with_dropout(base, told, dropout, checkpointing):
    """Nor is the uppermost MLP where checkpointing computes again."""
    chosen = settings(epochs=1.0, batch_size=3, dropout=dropout)
    mlp = base.model.get_decoder().layers[-1].mlp
    handle = mlp.gate_proj.register_forward_pre_hook(
        lambda _, args: told.append(args[0].shape[:-1].numel()) if mlp.training else None
    )
    with trained(base, chosen, "sequential", None, checkpointing):
        pass
    handle.remove()
    positions = 10  # of a step, or of the trial; its rows have 75 tokens and more
    assert (max(told) <= positions) == (not dropout and not checkpointing)


def test_a_model_that_reads_joined_rows_wrongly_joins_nothing(base):
    def see_all(_: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        kwargs = {"attention_mask": None, **kwargs}
        all_seen(kwargs)
        return args, kwargs

    for weight in base.model.parameters():  # as if trained: attention matters
        weight.data.mul_(4.0)
    row_trial._found.clear()
    handle = base.model.register_forward_pre_hook(see_all, with_kwargs=True)
    assert not joins_questions(base.model, settings(), tasks(2))
    handle.remove()
    row_trial._found.clear()
    assert joins_questions(base.model, settings(), tasks(2))
