"""Log-likelihoods of a number's candidates: from one cache as from whole texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.diagnostics.llm.conftest import TINY
from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.loading import load_base
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.scoring import number_texts, row_trial
from tst.diagnostics.llm.scoring.choices import ScoringPlan
from tst.diagnostics.llm.scoring.number_texts import _read_whole, score_number_texts
from tst.diagnostics.llm.scoring.side_by_side import SharedRows
from tst.diagnostics.llm.scoring.text_trees import ROOT, TextTree

PLAN = ScoringPlan(padded_tokens=600, multiple=4, letter_ids=[], rules=DEFAULT_RULES)


def questions(lengths: tuple[int, ...], kinds: tuple[str, ...]) -> EncodedQuestions:
    draw = np.random.default_rng(len(lengths))
    prompts = [Prompt(draw.integers(6, 250, n).tolist()) for n in lengths]
    n = len(lengths)
    formats = np.array(kinds, dtype=object)
    return EncodedQuestions(np.arange(n), prompts, formats, np.zeros(n), np.zeros(n), [[]] * n)


FOLDS = [questions((5, 19, 11), ("num", "mc", "num")), questions((7, 30), ("num", "num"))]
ONE = [[], [7, 2], [8, 9, 2], [], [10, 11, 12, 2]]
OTHER = [[9, 2], [], [8, 2], [], []]
TEXTS = [[ONE, [], OTHER], [OTHER, ONE]]


def read(model: torch.nn.Module, how) -> list[dict[int, np.ndarray]]:
    head = AnswerHead(model)
    with head.attached():
        return how(head, FOLDS, TEXTS, PLAN)


@pytest.mark.parametrize("shared", [True, False], ids=["trees", "copies"])
def test_a_cache_gives_what_whole_texts_give(monkeypatch, shared):
    if not shared:
        monkeypatch.setattr(number_texts, "can_share_rows", lambda *a: False)
    model = load_base(TINY, "cpu").model
    fast, whole = read(model, score_number_texts), read(model, _read_whole)
    for j, fold in enumerate(fast):
        assert set(fold) == set(whole[j]) == set(np.flatnonzero(FOLDS[j].formats == "num"))
        for i, scores in fold.items():
            np.testing.assert_allclose(scores, whole[j][i], atol=1e-4)
            assert np.isfinite(scores).tolist() == [bool(ids) for ids in TEXTS[j][i]]
    # and these what plain transformers gives
    ids = torch.tensor([FOLDS[0].prompts[0].ids + ONE[2][:-1]])
    with torch.no_grad():
        logs = torch.log_softmax(model(input_ids=ids).logits[0].double(), dim=1)
    last = len(FOLDS[0].prompts[0].ids) - 1
    expected = sum(float(logs[last + t, token]) for t, token in enumerate(ONE[2]))
    assert whole[0][0][2] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("window", [None, 16])
def test_a_model_whose_cache_cannot_be_padded_reads_whole_texts(window):
    kind, more = ("mistral", {"sliding_window": 16, "num_key_value_heads": 1})
    if window is None:
        kind = "lfm2"
        more = {"layer_types": ["conv", "full_attention"], "num_key_value_heads": 1}
    config = AutoConfig.for_model(
        kind, vocab_size=256, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, **more,
    )  # fmt: skip
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    found, whole = read(model, score_number_texts), read(model, _read_whole)
    for ours, theirs in zip(found, whole, strict=True):
        for i in ours:
            np.testing.assert_allclose(ours[i], theirs[i], atol=1e-4)


def test_texts_that_begin_alike_share_their_tokens():
    tree = TextTree([[1, 2, 9], [1, 9], [1, 2, 3, 9], [2, 9], [9]])
    assert list(zip(tree.tokens, tree.parents, tree.depths, strict=True)) == [
        (1, ROOT, 0), (2, 0, 1), (3, 1, 2), (2, ROOT, 0),
    ]  # fmt: skip
    assert tree.paths[2] == [(ROOT, 1), (0, 2), (1, 3), (2, 9)]
    assert tree.paths[4] == [(ROOT, 9)]
    assert tree.ancestors().tolist() == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [False, False, False, True],
    ]


def test_texts_of_one_token_need_no_more_than_the_prompt():
    head = AnswerHead(load_base(TINY, "cpu").model)
    with head.attached():
        (found,) = score_number_texts(head, FOLDS[:1], [[[[7], [8]], [], [[9], []]]], PLAN)
        (whole,) = _read_whole(head, FOLDS[:1], [[[[7], [8]], [], [[9], []]]], PLAN)
    for i, scores in found.items():
        np.testing.assert_allclose(scores, whole[i], atol=1e-4)


def test_questions_with_few_candidates_are_not_read_as_wide_as_those_with_many(monkeypatch):
    many = [[token, other, 2] for token in range(10, 26) for other in range(30, 34)]
    few = [[7, 2], [8, 2], *[[]] * 62]
    asked = questions((5,) * 8, ("num",) * 8)
    widths: list[tuple[int, int]] = []
    plain = SharedRows.read

    def noted(self: SharedRows, ids: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        widths.append(tuple(ids.shape))
        return plain(self, ids, *rest)

    monkeypatch.setattr(SharedRows, "read", noted)
    head = AnswerHead(load_base(TINY, "cpu").model)
    texts = [many if i % 2 else few for i in range(8)]
    row_trial._found[head.model] = {1: row_trial._Ways(True, True)}
    plan = replace(PLAN, padded_tokens=400)  # room for four long rows
    with head.attached():
        (found,) = score_number_texts(head, [asked], [texts], plan)
        (whole,) = _read_whole(head, [asked], [texts], plan)
    assert widths == [(4, 80), (4, 2)]
    for i, scores in found.items():
        np.testing.assert_allclose(scores, whole[i], atol=1e-4)
