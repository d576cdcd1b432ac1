"""Options in the assistant's turn: where each ends, in which orders they stand."""

from __future__ import annotations

import pandas as pd
import pytest

from tst.core.errors import UserError
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.prompting.option_lists import OptionLists, option_orders

MC = {"format": "mc", "question": "Which?", "options": ["one", "two", "three"]}
NUM = {"format": "num", "question": "How many?", "options": None}


def lists(style: str = "twice", orders: int = 1, chat: bool = True, room: int = 1024):
    return OptionLists(Encoder(build_tokenizer(chat), room), style, orders)


def encode(this: OptionLists, *rows: dict):
    return this.encode(pd.DataFrame(rows))


@pytest.mark.parametrize("chat", [True, False])
@pytest.mark.parametrize("style", ["twice", "once"])
def test_each_option_ends_with_its_line(style, chat):
    this = lists(style, chat=chat)
    encoded = encode(this, MC, NUM)
    decode = this.encoder.tokenizer.decode
    prompt = encoded.prompts[0]
    for option, end in zip(MC["options"], prompt.ends, strict=True):
        assert decode(prompt.ids[: end + 1]).endswith(f". {option}\n")
    text = decode(prompt.ids)
    assert text.count("two") == (2 if style == "twice" else 1)
    assert ("Judge each option." in text) == (style == "once")
    assert text.endswith("A. one\nB. two\nC. three\n")
    assert encoded.prompts[1].ends == [] and encoded.n_options.tolist() == [3, 0]


def test_orders_are_of_the_content_alone_and_differ():
    row = {**MC, "options": [f"option {i}" for i in range(5)]}
    found = option_orders(row, 4)
    assert found[0] == [0, 1, 2, 3, 4] and len(found) == 4
    assert len({tuple(o) for o in found}) == 4
    assert found == option_orders(dict(row), 4) == option_orders({**row, "id": 7}, 6)[:4]
    assert found != option_orders({**row, "question": "Another?"}, 4)
    assert sorted(map(tuple, option_orders({**MC, "options": ["a", "b"]}, 5))) == [(0, 1), (1, 0)]


def test_reordered_prompts_know_where_the_tables_options_went():
    this = lists(orders=3)
    encoded = encode(this, NUM, MC)
    decode = this.encoder.tokenizer.decode
    assert encoded.reordered[0] == []
    assert len(encoded.orders(1)) == 3
    for prompt in encoded.orders(1):
        for option, end in zip(MC["options"], prompt.ends, strict=True):
            assert decode(prompt.ids[: end + 1]).endswith(f". {option}\n")
    shown = [decode(p.ids) for p in encoded.orders(1)]
    assert len(set(shown)) == 3
    assert all(text.count("A. ") == 2 for text in shown), "letters follow the order shown"


def test_long_questions_are_cut_and_options_are_not():
    words = " ".join(f"w{i}" for i in range(200))
    this = lists(room=256)
    encoded = encode(this, {**MC, "question": f"start {words} end?"}, MC)
    assert encoded.cut.tolist() == [True, False]
    assert len(encoded.prompts[0].ids) <= 256
    text = this.encoder.tokenizer.decode(encoded.prompts[0].ids)
    assert " ... " in text and text.endswith("A. one\nB. two\nC. three\n")


def test_yes_and_no_are_told_apart_by_the_first_token_in_which_they_differ():
    this = lists()
    yes, no = this.yes_no
    names = this.encoder.tokenizer.convert_ids_to_tokens([yes, no])
    assert names == ["Ġy", "Ġn"], "single bytes: the first letters, not the last"
    blind = Encoder(build_tokenizer(), 1024)
    blind.token_ids = lambda texts, special=None: [[5] for _ in texts]
    with pytest.raises(UserError, match="mc_scoring=letters"):
        OptionLists(blind, "twice", 1)
