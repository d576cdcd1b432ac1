"""Attributions, masking and the probe, where the right answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

pytest.importorskip("captum", reason="pip install 'tst-stress-test[explain]'")

from tests.explaining.test_words import planted_prompts
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.explaining.attribution import (
    Reader,
    letter_of,
    maskable,
    parts_of,
    without,
)
from tst.explaining.contrast import ChoicePair, Contrast, Rotation
from tst.explaining.faithfulness import measure_masking, summarise_masking
from tst.explaining.probe import probe_types
from tst.explaining.words import (
    LETTER,
    OPTION,
    QUESTION,
    WordedPrompt,
    split_words,
)

MASK = 0


class Adding(nn.Module):
    """A model whose log-odds are a sum over its tokens: what attributions must find is exact."""

    def __init__(self, vocabulary: int, hidden: int = 16) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.head = nn.Linear(hidden, vocabulary, bias=False)
        self._supports_attention_backend = True
        text = SimpleNamespace(to_dict=dict)
        self.config = SimpleNamespace(_attn_implementation="sdpa", get_text_config=lambda: text)

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, input_ids: torch.Tensor, **kwargs: object) -> SimpleNamespace:
        return SimpleNamespace(logits=self.head(self.embedding(input_ids).cumsum(dim=1)))

    def shares(self, ids: list[int], gold: int, runner_up: int) -> np.ndarray:
        with torch.no_grad():
            of_token = self.embedding(torch.tensor(ids)) @ self.head.weight.T
        return (of_token[:, gold] - of_token[:, runner_up]).numpy()


def first_choice() -> tuple[dict, WordedPrompt]:
    return next(p for p in planted_prompts() if p[0]["format"] == "mc")


def test_attributions_of_an_additive_model_are_its_terms():
    _, prompt = first_choice()
    model = Adding(vocabulary=600)
    ids = prompt.prompt.ids
    rotations = [
        Rotation(prompt.prompt, ChoicePair(7, 9)),
        Rotation(Prompt(ids[:-3]), ChoicePair(8, 9)),
    ]
    with Reader(model, batch=3).reading() as reader:
        found = reader.attribute(prompt, Contrast(1, 0, rotations, [9, 7]))
    shares = model.shares(ids, 7, 9)
    for word in maskable(prompt):
        assert found.words[word] == pytest.approx(shares[prompt.word_of == word].sum(), abs=1e-4)
    assert found.log_odds == pytest.approx(shares.sum(), abs=1e-4)
    assert found.words[maskable(prompt)].sum() == pytest.approx(
        found.log_odds - found.letters_only, abs=1e-4
    )
    mark = letter_of(prompt, 1)
    assert np.setdiff1d(np.flatnonzero(found.words), maskable(prompt)).tolist() == [mark]
    assert (prompt.words[mark].part, prompt.words[mark].option) == (LETTER, 1)
    rotated = model.shares(ids[:-3], 8, 9).sum()
    assert found.words[mark] == pytest.approx((shares.sum() - rotated) / 2, abs=1e-4)


class Rule(Reader):
    """Log-odds by a rule over which words are there."""

    def __init__(self, prompt: WordedPrompt, rule) -> None:
        self.batch = 4
        self.rule = rule
        self.asked = 0
        self.firsts = [
            int(np.flatnonzero(prompt.word_of == i)[0]) for i in range(len(prompt.words))
        ]
        self.tokens = dict(zip(self.firsts, range(len(prompt.words)), strict=True))

    def log_odds(self, rows, contrast):
        self.asked += len(rows)
        return np.array(
            [self.rule({self.tokens[t] for t in row.ids if t in self.tokens}) for row in rows]
        )

    def values(self, prompt: WordedPrompt) -> np.ndarray:
        places = Prompt(list(range(len(prompt.prompt.ids))))
        placed = WordedPrompt(places, prompt.words, prompt.word_of)
        whole = Rotation(places, ChoicePair(0, 1))
        return self.attribute(placed, Contrast(0, 1, [whole], [0, 1])).words


def test_words_that_need_each_other_share_what_they_do():
    _, prompt = first_choice()
    question, option, *others = parts_of(prompt)
    a, b, c = question[2], question[5], option[0]
    found = Rule(prompt, lambda here: float({a, b} <= here)).values(prompt)
    assert found[[a, b]] == pytest.approx([0.5, 0.5]) and abs(found).sum() == pytest.approx(1)
    found = Rule(prompt, lambda here: float(a in here and c in here)).values(prompt)
    assert found[[a, c]] == pytest.approx([0.5, 0.5]) and abs(found).sum() == pytest.approx(1)
    # one of the two is enough, and neither is missed when it is left out alone
    found = Rule(prompt, lambda here: float(a in here or b in here)).values(prompt)
    assert found[[a, b]] == pytest.approx([0.5, 0.5]) and abs(found).sum() == pytest.approx(1)
    # a long option, whatever it says
    long = Rule(prompt, lambda here: float(len(here & set(option.tolist())))).values(prompt)
    assert long[option] == pytest.approx(np.ones(len(option)))
    assert len(others) == 3


def test_many_options_are_sampled():
    row = {"format": "mc", "question": "which one is it", "options": [f"a{i} b" for i in range(9)]}
    tokenizer = build_tokenizer(True)
    encoder = Encoder(tokenizer, 1024)
    turn = encoder.render({**row, "answer": 0})[0]
    encoded = encoder.encode(pd.DataFrame([row])).prompts[0]
    prompt = split_words(tokenizer, turn, encoded, row)
    assert prompt is not None and len(parts_of(prompt)) == 10
    weights = np.arange(len(prompt.words)) / 10
    reader = Rule(prompt, lambda here: float(weights[sorted(here)].sum()))
    found = reader.values(prompt)
    here = maskable(prompt)
    assert found[here] == pytest.approx(weights[here])
    assert reader.asked < 2**10
    assert np.array_equal(found, Rule(prompt, reader.rule).values(prompt))


def test_what_is_left_out_takes_no_room():
    _, prompt = first_choice()
    words = maskable(prompt)[:4]
    left = without(prompt, words)
    assert len(left.ids) == len(prompt.prompt.ids) - int(np.isin(prompt.word_of, words).sum())
    assert {w.part for w in np.array(prompt.words)[maskable(prompt)]} == {QUESTION, OPTION}


def test_masking_what_matters_moves_more_than_chance():
    model = Adding(vocabulary=600)
    with torch.no_grad():
        model.head.weight.mul_(0.1)  # keeps probabilities away from 0 and 1
    rng = np.random.default_rng(0)
    measured = []
    with Reader(model, batch=8).reading() as reader:
        for row, prompt in planted_prompts()[:24]:
            if row["format"] != "mc":
                continue
            whole = [Rotation(prompt.prompt, ChoicePair(7, 9))]
            contrast = Contrast(0, 1, whole, [7, 9])
            values = reader.attribute(prompt, contrast).words
            measured.append(measure_masking(reader, prompt, values, contrast, MASK, 8, rng))
    summary = summarise_masking(measured, rng)
    assert summary["top"] > 1.5 * summary["random"]
    assert summary["difference_low"] > 0
    assert summarise_masking(measured[:1], rng)["questions"] == 1


def test_a_probe_finds_what_is_there_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1, 2], 40)
    states = rng.standard_normal((240, 20))
    states[:120, :3] += 6 * np.eye(3)[labels]
    questions = pd.DataFrame(
        {
            "question_type": ["told"] * 120 + ["noise"] * 120,
            "label": np.concatenate([labels, labels]),
            "fold": np.arange(240) % 5,
        }
    )
    unembedding = np.vstack([np.eye(3, 20), rng.standard_normal((30, 20))])
    vocabulary = ["zero", "one", "two"] + [f"t{i}" for i in range(30)]
    noise, told = probe_types(states, questions, unembedding, vocabulary)
    assert told.accuracy > 0.95 and told.tokens[0] == "zero"
    assert abs(noise.accuracy - 1 / 3) < 0.2
