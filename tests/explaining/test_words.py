"""Words of a prompt, and which of them are the planted cue."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("captum", reason="pip install 'tst-stress-test[explain]'")

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.prompting.option_lists import OptionLists
from tst.explaining.aggregate import check_cue, summarise_types
from tst.explaining.attribution import (
    Attribution,
    attributable,
    without,
)
from tst.explaining.planted_cues import cue_words
from tst.explaining.words import (
    OPTION,
    WordedPrompt,
    split_listed_words,
    split_words,
)


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
def test_words_are_the_prompt_and_know_their_part(chat):
    for row, prompt in planted_prompts(chat):
        by_part: dict[tuple[str, int], list[str]] = {}
        for word in prompt.words:
            by_part.setdefault((word.part, word.option), []).append(word.text)
        assert " ".join(by_part["question", -1]) == row["question"]
        for index, option in enumerate(row["options"] or []):
            assert " ".join(by_part["option", index]) == option
            assert by_part["letter", index] == ["ABCD"[index] + "."]
        assert set(prompt.word_of) == {-1, *range(len(prompt.words))}
        values = np.arange(1.0, len(prompt.words) + 1)
        shared = prompt.by_token(values)
        assert np.all(shared[prompt.word_of < 0] == 0)
        for word, value in enumerate(values):
            own = shared[prompt.word_of == word]
            assert own.sum() == pytest.approx(value) and np.ptp(own) == 0


@pytest.mark.parametrize("style", ["twice", "once"])
def test_words_of_listed_options_are_in_both_lists(style):
    tokenizer = build_tokenizer(True)
    lists = OptionLists(Encoder(tokenizer, 1024), style, 1)
    table = build_table("planted", plant_rows(48)).frame
    table = table[table["format"] == "mc"]
    for row, whole in zip(table.to_dict("records"), lists.encode(table).prompts, strict=True):
        prompt = split_listed_words(lists, lists.render_turn(row), whole, row)
        assert prompt is not None and len(prompt.word_of) == len(whole.ids)
        for index, option in enumerate(row["options"]):
            own = [n for n, w in enumerate(prompt.words) if (w.part, w.option) == (OPTION, index)]
            assert " ".join(prompt.words[n].text for n in own) == option
            ids = [t for t, n in zip(whole.ids, prompt.word_of, strict=True) if n in own]
            times = 2 if style == "twice" else 1
            assert "".join(tokenizer.decode(ids).split()) == "".join(option.split()) * times
            left = without(prompt, np.array(own))
            assert len(left.ids) == len(whole.ids) - len(ids)
            newline = {whole.ids[end] for end in whole.ends}
            assert {left.ids[end] for end in left.ends} == newline


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
        elsewhere[np.setdiff1d(attributable(prompt), cue)[0]] = 1.0
        explained.append(
            SimpleNamespace(row=row, prompt=prompt, cue=cue, correct=True, gold=0, runner_up=1,
                            tuned=Attribution(on_cue, 1.0, 0.0),
                            untrained=Attribution(elsewhere, 1.0, 0.0))
        )  # fmt: skip
    explained[0].correct = False
    explained[1].untrained = explained[1].tuned
    check = check_cue(explained)
    n = len(explained) - 1
    assert (check.questions, check.found, check.untrained) == (n, n, 1)
    shares = [len(q.cue) / len(attributable(q.prompt)) for q in explained[1:]]
    assert check.chance == pytest.approx(np.mean(shares))
    assert 0 < check.chance < 0.5
    by_type = [t.cue for t in summarise_types(explained)]
    assert sum(c.questions for c in by_type) == n and sum(c.untrained for c in by_type) == 1
    assert len({c.chance for c in by_type}) > 1
    assert np.isnan(check_cue([]).chance)
