"""A cut model gives what the whole one gives, wherever its lower layers' states are kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3nTextConfig,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    PretrainedConfig,
    Qwen3Config,
)

from tst.core.errors import UserError
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.layers import adapted_layers, decoder_blocks
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.state_places import Place, memory_places

SIZES = {"vocab_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "hidden_size": 16}
CONFIGS: dict[str, PretrainedConfig] = {
    "llama": LlamaConfig(**SIZES, intermediate_size=32, num_key_value_heads=1),
    "qwen3": Qwen3Config(**SIZES, intermediate_size=32, num_key_value_heads=1, head_dim=8),
    # kinds of attention by a layer's number, soft-capping, eager attention
    "gemma2": Gemma2Config(
        **SIZES, intermediate_size=32, num_key_value_heads=1, head_dim=8, sliding_window=4
    ),
    "gpt2": GPT2Config(vocab_size=64, n_layer=3, n_head=2, n_embd=16),
    "mamba": MambaConfig(vocab_size=64, num_hidden_layers=3, hidden_size=16, state_size=4),
}
TEXTS = [[5, 6, 7], [9, 8, 7, 6, 5, 4], [11], [12, 13, 14, 15]]


def model_of(config: PretrainedConfig) -> torch.nn.Module:
    torch.manual_seed(0)
    attention = "eager" if config.model_type == "gemma2" else None
    model = AutoModelForCausalLM.from_config(config, attn_implementation=attention).eval()
    return model.requires_grad_(False)


def padded(texts: list[list[int] | None], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.zeros(len(texts), width, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text or ())] = torch.tensor(text or [], dtype=torch.long)
    last = [row * width + len(text or [0]) - 1 for row, text in enumerate(texts)]
    return ids, torch.tensor(last)


def read(model: torch.nn.Module, lower: LowerStates | None, texts: list[list[int] | None]):
    ids, last = padded(texts, 8)
    head = AnswerHead(model, lower)
    with head.attached():
        return head.read(texts, ids, last)


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("top", [1, 2])
def test_the_upper_layers_on_kept_states_are_the_whole_model(kind: str, top: int) -> None:
    model = model_of(CONFIGS[kind])
    lower = LowerStates(LayerCut(model, top))
    lower.prepare(TEXTS, padded_tokens=12, multiple=2)
    assert lower.computed == len(TEXTS)
    torch.testing.assert_close(read(model, lower, TEXTS), read(model, None, TEXTS))
    assert lower.computed == len(TEXTS), "served, not computed again"
    lower.prepare([*TEXTS, TEXTS[0]], padded_tokens=12)
    assert lower.computed == len(TEXTS)


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_what_texts_begin_with_goes_through_the_lower_layers_once(kind: str) -> None:
    model = model_of(CONFIGS[kind])
    begun = [[20, 21, 22, 23, 24, 25, 26, 27, 28, *text] for text in TEXTS]
    apart, once = (LowerStates(LayerCut(model, 2)) for _ in range(2))
    once.shares = True
    tokens: list[int] = []
    decoder_blocks(model)[1][0].register_forward_pre_hook(
        lambda _, args: tokens.append(args[0].shape[0] * args[0].shape[1])
    )
    apart.prepare(begun, padded_tokens=100)
    whole, tokens[:] = sum(tokens), []
    once.prepare(begun, padded_tokens=100)
    assert (whole, sum(tokens)) == (4 * 15, 9 + 4 * 6)
    torch.testing.assert_close(once.gather(begun, 16), apart.gather(begun, 16))
    tokens.clear()
    once.prepare([[1, 2, 3], [1, 2, 4, 5], [2, 3, 4]], padded_tokens=100)
    assert sum(tokens) == 3 * 4, "too short to be read by itself"


def test_lower_layers_do_not_run_and_are_as_they_were_afterwards() -> None:
    model = model_of(CONFIGS["llama"])
    lower = LowerStates(LayerCut(model, 1))
    lower.prepare(TEXTS, padded_tokens=100)
    ran: list[int] = []
    blocks = decoder_blocks(model)[1]
    for place, block in enumerate(blocks):
        block.self_attn.register_forward_hook(lambda *_, place=place: ran.append(place))
    read(model, lower, TEXTS)
    assert ran == [2]
    ran.clear()
    read(model, None, TEXTS)
    assert ran == [0, 1, 2]
    assert all("forward" not in vars(block) for block in blocks)


def places(*tokens: int) -> list[Place]:
    """Like this machine's, each with room for so many tokens."""
    known = memory_places(torch.device("cpu"))
    size = 16 * 4
    return [
        Place(place.name, size * room, place.allocate)
        for place, room in zip([known[0], known[-1]], tokens, strict=True)
    ]


@pytest.mark.parametrize(
    ("room", "computed_again"), [((14, 0), 0), ((5, 11), 0), ((4, 7), 1), ((0, 0), 4)]
)
def test_states_spill_into_a_file_and_are_computed_where_nothing_has_room(
    room: tuple[int, int], computed_again: int
) -> None:
    model = model_of(CONFIGS["llama"])
    lower = LowerStates(LayerCut(model, 2), places(*room))
    lower.prepare(TEXTS, padded_tokens=12)
    before = lower.computed
    rows = [TEXTS[3], None, TEXTS[1], TEXTS[0], TEXTS[2]]
    asked = [0, 2, 3, 4]
    states = lower.gather(rows, 8)
    assert lower.computed - before == computed_again
    with torch.no_grad():
        whole = LayerCut(model, 2).lower_states(padded(rows, 8)[0])
    for row in asked:
        n = len(rows[row])
        torch.testing.assert_close(states[row, :n], whole[row, :n])
    assert not states[1].any()
    torch.testing.assert_close(read(model, lower, rows)[asked], read(model, None, rows)[asked])


def test_adapters_sit_on_the_upper_layers_alone() -> None:
    model = model_of(CONFIGS["llama"])
    everywhere = adapted_layers(model, ["all-linear"])
    assert {name.split(".")[2] for name in everywhere} == {"0", "1", "2"}
    above = adapted_layers(model, ["all-linear"], 2)
    assert above == [name for name in everywhere if name.split(".")[2] in "12"]
    assert len(adapted_layers(model, ["q_proj"], 1)) == 1
    with pytest.raises(UserError, match=r"top_layers=3: LlamaForCausalLM has 3 layers"):
        adapted_layers(model, ["all-linear"], 3)


def test_layers_that_read_more_than_the_last_state_are_refused() -> None:
    model = model_of(CONFIGS["llama"])
    blocks = decoder_blocks(model)[1]
    left: list[torch.Tensor] = []
    blocks[0].register_forward_hook(lambda _, args, out: left.append(out * 2.0))
    blocks[2].register_forward_hook(lambda _, args, out: out + left.pop())
    with pytest.raises(UserError, match=r"top_layers=1: .* Use diagnostic.top_layers=all"):
        LayerCut(model, 1)


def test_a_model_with_several_states_side_by_side_is_refused() -> None:
    config = Gemma3nTextConfig(
        **SIZES | {"num_hidden_layers": 4},
        intermediate_size=32,
        num_key_value_heads=1,
        head_dim=8,
        vocab_size_per_layer_input=64,
        hidden_size_per_layer_input=4,
        laurel_rank=4,
        num_kv_shared_layers=2,
        layer_types=["sliding_attention", "full_attention"] * 2,
        activation_sparsity_pattern=None,
    )
    with pytest.raises(UserError, match="Gemma3nForCausalLM hand on more than one state"):
        LayerCut(model_of(config), 1)


def test_a_models_layers_are_found_by_their_number() -> None:
    assert {k: decoder_blocks(model_of(c))[0] for k, c in CONFIGS.items()} == {
        "llama": "model.layers",
        "qwen3": "model.layers",
        "gemma2": "model.layers",
        "gpt2": "transformer.h",
        "mamba": "backbone.layers",
    }
    config = LlamaConfig(**SIZES, intermediate_size=32, num_key_value_heads=1)
    model = model_of(config)
    model.config.num_hidden_layers = 7
    with pytest.raises(UserError, match="does not list its 7 layers"):
        decoder_blocks(model)


def test_gathered_states_do_not_depend_on_what_else_is_asked() -> None:
    lower = LowerStates(LayerCut(model_of(CONFIGS["llama"]), 1))
    lower.prepare(TEXTS, padded_tokens=100)
    together = lower.gather(TEXTS, 8)
    apart = [lower.gather([text], 6)[0] for text in TEXTS]
    for row, (text, own) in enumerate(zip(TEXTS, apart, strict=True)):
        np.testing.assert_array_equal(together[row, : len(text)], own[: len(text)])
