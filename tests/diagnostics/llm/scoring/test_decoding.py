"""Decoding: the cache changes nothing, spread answers follow the model's distribution."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.diagnostics.llm.conftest import TINY
from tst.core.folds import plan_folds, split
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.loading import load_base
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.prompts import parse_number
from tst.diagnostics.llm.scoring.answers import NUMBER_SAMPLES, choose_number
from tst.diagnostics.llm.scoring.decoding import (
    ArithmeticSampling,
    Greedy,
    PromptLayout,
    _decode_uncached,
    decode,
)
from tst.diagnostics.llm.scoring.row_trial import can_copy_rows, can_share_rows
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings


@pytest.fixture
def head():
    answers = AnswerHead(load_base(TINY, "cpu").model)
    with torch.inference_mode(), answers.attached():
        yield answers


def some_prompts():
    draw = torch.Generator().manual_seed(3)
    return [Prompt(torch.randint(6, 250, (n,), generator=draw).tolist()) for n in (3, 17, 9)]


@pytest.mark.parametrize("pick", [Greedy, lambda: ArithmeticSampling(4)], ids=["greedy", "spread"])
@pytest.mark.parametrize("empty", [0, 2, 3])
def test_decoding_with_a_cache_equals_reading_all_anew(head, pick, empty):
    prompts = some_prompts()
    prompts.insert(empty, None)
    # few tokens: a code magnifies rounding by 1 / p with each
    fast = decode(head, prompts, 3, [2], pick(), PromptLayout(multiple=4))
    slow = _decode_uncached(head, prompts, 3, [2], pick())
    copies = pick().copies
    assert len(fast) == len(slow) == 4 * copies
    asked = [i for i in range(4 * copies) if i // copies != empty]
    assert [fast[i] for i in asked] == [slow[i] for i in asked]


def test_one_spread_answer_of_a_sure_model_is_the_most_likely_one():
    logits = torch.tensor([[0.0, 40.0, 0.0], [40.0, 0.0, 0.0], [0.0, 0.0, 40.0]])
    spread = ArithmeticSampling(5)
    assert spread(logits).tolist() == [1] * 5 + [0] * 5 + [2] * 5
    assert spread(logits.repeat_interleave(5, dim=0)).tolist() == [1] * 5 + [0] * 5 + [2] * 5


def test_spread_answers_come_as_often_as_they_are_likely():
    """The shares of all two-token answers, which two independent tokens must multiply to."""
    first, second = torch.tensor([0.5, 0.2, 0.3]), torch.tensor([0.1, 0.6, 0.3])
    spread = ArithmeticSampling(1000)
    a = spread(first.log()[None, :])
    b = spread(second.log().repeat(1000, 1))
    seen = torch.zeros(3, 3)
    for i, j in zip(a.tolist(), b.tolist(), strict=True):
        seen[i, j] += 1
    # an interval of codes holds as many as fit, one more or less
    assert (seen - 1000 * first[:, None] * second[None, :]).abs().max() <= 1.0001


def test_impossible_tokens_are_never_picked():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]])
    assert ArithmeticSampling(7)(logits).tolist() == [1] * 3 + [3] * 4


@pytest.mark.parametrize("vocabulary", [1280, 1301])  # whole blocks of tokens, and one in part
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_answers_of_a_large_vocabulary_are_where_its_cumulative_sum_has_their_codes(
    vocabulary, dtype
):
    draw = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(4, vocabulary, generator=draw)).to(dtype)
    ends = torch.softmax(logits.float(), 1).double().cumsum(1)
    codes = (torch.arange(50, dtype=torch.float64) + 0.5) / 50 * ends[:, -1:]
    expected = torch.searchsorted(ends, codes, right=True)
    assert ArithmeticSampling(50)(logits).tolist() == expected.flatten().tolist()


def test_the_chosen_number_has_the_highest_expected_score():
    answers = [2.0, 2.2, 2.9, 3.0, 3.1, 3.4, 40.0]
    chosen = choose_number([*answers, float("nan")], DEFAULT_RULES)

    def expected(value: float) -> float:
        return float(DEFAULT_RULES.score_numbers(value, np.array(answers)).mean())

    assert expected(chosen) >= max(expected(value) for value in np.linspace(0.1, 50, 2000))
    assert expected(chosen) > expected(3.4)


def test_numbers_that_cannot_be_read():
    assert np.isnan(choose_number([float("nan")] * 3, DEFAULT_RULES))
    assert np.isnan(choose_number([float("nan")], DEFAULT_RULES))
    assert choose_number([1.7], DEFAULT_RULES) == 1.7


def test_the_chosen_number_follows_the_rules_of_scoring():
    """Ends of intervals count when thresholds are inclusive: 1.5 is within half of 1 and of 3."""
    strict, inclusive = ScoringRules(), ScoringRules(mra_inclusive=True)
    answers = [1.0, 1.0, 3.0, 3.0]
    for rules in (strict, inclusive):
        assert choose_number(answers, rules) == rules.best_number(np.array(answers))
    assert choose_number(answers, strict) != choose_number(answers, inclusive)


def test_untrained_numbers_are_chosen_among_several_answers(table):
    plan = plan_folds(table, k=3, seed=1)
    settings = LoraSettings(learning_rate=1e-2, training="stacked")
    diagnostic = LoraLLMDiagnostic(settings, TINY, OptimizerSettings(), None, "cpu")
    found = dict(diagnostic.run_folds(table, plan, [(0, 0)], 1))[0, 0]
    _, heldout = split(table, plan, 0, 0)
    for i, kind in enumerate(heldout["format"]):
        if kind == "num":
            texts = found.generated_zero_shot[i].split(" | ")
            assert len(texts) >= NUMBER_SAMPLES
            value = choose_number([parse_number(text) for text in texts], DEFAULT_RULES)
            np.testing.assert_equal(found.value_zero_shot[i], value)


@pytest.mark.parametrize("pick", [Greedy, lambda: ArithmeticSampling(4)], ids=["greedy", "spread"])
def test_a_recurrent_state_that_read_padding_is_not_used(pick):
    """Convolutions and linear attention keep a state in place of keys; prompts are right-padded."""
    config = AutoConfig.for_model(
        "lfm2", vocab_size=256, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, layer_types=["conv", "full_attention"],
    )  # fmt: skip
    torch.manual_seed(0)
    answers = AnswerHead(AutoModelForCausalLM.from_config(config).eval())
    prompts = some_prompts()
    with torch.inference_mode(), answers.attached():
        together = decode(answers, prompts, 3, [2], pick(), PromptLayout(multiple=4))
        alone = [row for p in prompts for row in decode(answers, [p], 3, [2], pick())]
    assert together == alone


SIZES = {"vocab_size": 256, "hidden_size": 32, "num_hidden_layers": 2}
UNPADDED = {
    "mpt": {"vocab_size": 256, "d_model": 32, "n_heads": 4, "n_layers": 2},
    "gpt_neo": {
        **SIZES, "num_heads": 2, "num_layers": 2, "window_size": 8,
        "attention_types": [[["global", "local"], 1]],
    },
    "mamba": {**SIZES, "state_size": 4},
    "rwkv": {**SIZES, "attention_hidden_size": 32},
    "granitemoehybrid": {
        **SIZES, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 32,
        "layer_types": ["mamba", "mamba"], "mamba_n_heads": 8, "mamba_d_state": 8,
        "mamba_chunk_size": 8, "num_local_experts": 0, "shared_intermediate_size": 32,
    },
}  # fmt: skip


@pytest.fixture
def unpadded():
    """A model that reads wrongly where padding stands between a prompt and its continuation."""

    def build(kind: str) -> AnswerHead:
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **UNPADDED[kind]))
        for p in model.parameters():  # as if trained: attention matters
            if p.dim() == 2:
                p.data.mul_(5.0)
        return AnswerHead(model.eval())

    return build


@pytest.mark.parametrize("pick", [Greedy, lambda: ArithmeticSampling(4)], ids=["greedy", "spread"])
@pytest.mark.parametrize("kind", UNPADDED)
def test_prompts_of_one_length_are_continued_together_where_padding_would_be_read(
    unpadded, kind, pick
):
    """Alibi that counts it, a local window, recurrent states, no cache, and one that fails."""
    head, copies = unpadded(kind), pick().copies
    prompts: list[Prompt | None] = [*some_prompts(), None, *some_prompts()[::-1], None]
    with torch.inference_mode(), head.attached():
        padded = can_copy_rows(head, [some_prompts()])
        found = decode(
            head, prompts, 2, [2], pick(), PromptLayout(folds=2, multiple=4, padded=padded)
        )
        slow = _decode_uncached(head, prompts, 2, [2], pick())
    assert not padded
    asked = [i for i in range(len(slow)) if prompts[i // copies] is not None]
    assert [found[i] for i in asked] == [slow[i] for i in asked]


def test_numbers_are_not_read_side_by_side_where_padding_would_be_read(unpadded):
    """Copies of a cache that are as wrong as shared rows do not speak for these."""
    head = unpadded("mpt")
    with torch.inference_mode(), head.attached():
        assert not can_share_rows(head, [some_prompts()], 100)
