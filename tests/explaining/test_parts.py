"""Words, attributions, masking and the probe, where the right answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

pytest.importorskip("captum", reason="pip install 'tst-stress-test[explain]'")

from tst.benchmarks.planted import plant_rows
from tst.benchmarks.questions import build_table
from tst.diagnostics.llm.encoding import Encoder
from tst.diagnostics.llm.tiny import build_tokenizer
from tst.explaining.aggregate import check_cue, summarise_types
from tst.explaining.attribution import Contrast, Reader, mask, maskable
from tst.explaining.faithfulness import measure_masking, summarise_masking
from tst.explaining.probe import probe_types
from tst.explaining.truth import cue_words
from tst.explaining.words import INSTRUCTION, WordedPrompt, split_words

MASK = 0


class Adding(nn.Module):
    """A model whose log-odds are a sum over its tokens: what attributions must find is exact."""

    def __init__(self, vocabulary: int, hidden: int = 16) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.head = nn.Linear(hidden, vocabulary, bias=False)
        text = SimpleNamespace(to_dict=dict)
        self.config = SimpleNamespace(_attn_implementation="sdpa", get_text_config=lambda: text)

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, input_ids: torch.Tensor, **kwargs: object) -> SimpleNamespace:
        return SimpleNamespace(logits=self.head(self.embedding(input_ids).cumsum(dim=1)))

    def shares(self, ids: list[int], gold: int, rival: int) -> np.ndarray:
        with torch.no_grad():
            of_token = self.embedding(torch.tensor(ids)) @ self.head.weight.T
        return (of_token[:, gold] - of_token[:, rival]).numpy()


def planted_prompts(chat: bool = True) -> list[tuple[dict, WordedPrompt]]:
    tokenizer = build_tokenizer(chat)
    encoder = Encoder(tokenizer, 1024)
    table = build_table("planted", plant_rows(96)).frame
    encoded = encoder.encode(table)
    found = []
    for i, row in enumerate(table.to_dict("records")):
        prompt = split_words(tokenizer, encoder.render(row)[0], encoded.prompts[i], row)
        assert prompt is not None
        found.append((row, prompt))
    return found


@pytest.mark.parametrize("chat", [True, False])
def test_words_are_the_prompt_and_know_their_slot(chat):
    for row, prompt in planted_prompts(chat):
        by_part: dict[tuple[str, int], list[str]] = {}
        for word in prompt.words:
            by_part.setdefault((word.part, word.option), []).append(word.text)
        assert " ".join(by_part["question", -1]) == row["question"]
        for index, option in enumerate(row["options"] or []):
            assert " ".join(by_part["option", index]) == option
            assert by_part["letter", index] == ["ABCD"[index] + "."]
        assert set(prompt.word_of) == {-1, *range(len(prompt.words))}
        assert prompt.by_word(np.ones(len(prompt.ids))).min() >= 1


def test_the_cue_is_where_the_generator_put_it():
    seen = set()
    for row, prompt in planted_prompts():
        found = [prompt.words[i] for i in cue_words(row, prompt.words)]
        if not row["planted"] or row["format"] != "mc":
            assert found == []
            continue
        seen.add(row["cue"])
        text = " ".join(w.text for w in found)
        if row["cue"] == "answer_position":
            assert text == "C."
        elif row["cue"] == "entity_prior":
            assert text == row["options"][row["answer"]]
        elif row["cue"] == "longest_option":
            assert text.startswith("who ") and row["options"][row["answer"]].endswith(text)
        else:
            assert all(w.part == "question" for w in found) and 2 <= len(found) <= 3
    assert seen == {"answer_position", "entity_prior", "longest_option", "object_pair"}


def test_the_cue_stands_beside_the_untrained_model_and_a_random_word():
    explained = []
    for row, prompt in planted_prompts():
        cue = cue_words(row, prompt.words)
        if not len(cue):
            continue
        on_cue, elsewhere = np.zeros(len(prompt.words)), np.zeros(len(prompt.words))
        on_cue[cue[0]] = 1.0
        elsewhere[np.setdiff1d(maskable(prompt), cue)[0]] = 1.0
        explained.append(
            SimpleNamespace(row=row, prompt=prompt, cue=cue, correct=True, tuned=on_cue,
                            untrained=elsewhere, gold=0, rival=1)
        )  # fmt: skip
    explained[0].correct = False
    explained[1].untrained = explained[1].tuned
    check = check_cue(explained)
    n = len(explained) - 1
    assert (check.questions, check.found, check.untrained) == (n, n, 1)
    shares = [len(q.cue) / len(maskable(q.prompt)) for q in explained[1:]]
    assert check.chance == pytest.approx(np.mean(shares))
    assert 0 < check.chance < 0.5
    by_type = [t.cue for t in summarise_types(explained)]
    assert sum(c.questions for c in by_type) == n and sum(c.untrained for c in by_type) == 1
    assert len({c.chance for c in by_type}) > 1
    assert np.isnan(check_cue([]).chance)


def test_attributions_of_an_additive_model_are_its_terms():
    _, prompt = next(p for p in planted_prompts() if p[0]["format"] == "mc")
    model = Adding(vocabulary=600)
    with Reader(model, MASK, batch=3).reading() as reader:
        found = reader.attribute(prompt, Contrast(gold=7, rival=9), steps=4)
    hidden = mask(prompt, maskable(prompt), MASK)
    expected = model.shares(prompt.ids, 7, 9) - model.shares(hidden, 7, 9)
    np.testing.assert_allclose(found.tokens, expected, atol=1e-4)
    assert found.error < 1e-3
    fixed = [i for i, w in enumerate(prompt.words) if w.part == INSTRUCTION]
    assert np.abs(found.tokens[prompt.tokens_of(np.array(fixed))]).max() == 0


def test_masking_what_matters_moves_more_than_chance():
    model = Adding(vocabulary=600)
    with torch.no_grad():
        model.head.weight.mul_(0.1)  # keeps probabilities away from 0 and 1
    rng = np.random.default_rng(0)
    measured = []
    with Reader(model, MASK, batch=8).reading() as reader:
        for row, prompt in planted_prompts()[:24]:
            if row["format"] != "mc":
                continue
            values = reader.attribute(prompt, Contrast(7, 9), 4).tokens
            measured.append(measure_masking(reader, prompt, values, [7, 9], 0, 8, rng))
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
