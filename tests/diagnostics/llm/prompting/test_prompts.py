"""What a model reads, byte for byte, and how its answers are read."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers.processors import TemplateProcessing

from tst.core.errors import UserError
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder
from tst.diagnostics.llm.prompting.prompts import (
    clean_text,
    number_certain,
    parse_number,
    render_prompt,
    target_text,
)

MC = {
    "format": "mc",
    "question": "How many chairs are in the room?",
    "options": ["one", "two"],
    "answer": 1,
}
NUM = {
    "format": "num",
    "question": "How long is the table, in centimeters?",
    "options": None,
    "answer": 120.0,
}
OPEN = {
    "format": "open",
    "question": "What is shown in <image 1>?",
    "options": None,
    "answer": ["a cat", "cat"],
}
MC_TEXT = (
    "Answer the following question: How many chairs are in the room? Options:\n"
    "A. one\nB. two\n"
    "Answer with the option's letter from the given choices directly."
)


def frame(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(
        {c: pd.Series([r[c] for r in rows], dtype=object) for c in rows[0]},
    )


def test_prompts_are_the_methods_text():
    assert render_prompt(MC) == MC_TEXT
    assert render_prompt(NUM) == (
        "Answer the following question: How long is the table, in centimeters?\n"
        "Answer with just a number."
    )
    assert render_prompt(OPEN) == (
        "Answer the following question: What is shown in <image 1>?\n"
        "Answer with a single word or phrase."
    )


def test_targets():
    assert [target_text(r) for r in (MC, NUM, OPEN)] == ["B", "120", "a cat"]
    assert target_text({**NUM, "answer": 1.5}) == "1.5"


def test_with_a_chat_template_the_prompt_is_the_users_turn():
    tokenizer = build_tokenizer(chat=True)
    encoder = Encoder(tokenizer, 1024)
    encoded = encoder.encode(frame(MC, NUM, OPEN))
    assert tokenizer.decode(encoded.prompts[0].ids) == f"<s><|user|>{MC_TEXT}<|end|><|assistant|>"
    targets = encoder.encode_targets(frame(MC, NUM, OPEN))
    assert [tokenizer.decode(t) for t in targets] == ["B<|end|>", "120<|end|>", "a cat<|end|>"]
    assert encoder.letter_ids(frame(MC)) == [tokenizer.convert_tokens_to_ids(x) for x in "AB"]


def test_questions_are_taken_by_label_and_an_unknown_label_is_an_error():
    encoded = Encoder(build_tokenizer(), 1024).encode(frame(MC, NUM, OPEN))
    assert encoded.take([2, 0]).formats.tolist() == ["open", "mc"]
    with pytest.raises(KeyError, match="7"):
        encoded.take([0, 7])


def test_without_a_chat_template_answers_follow_a_word_and_a_space():
    tokenizer = build_tokenizer(chat=False)
    encoder = Encoder(tokenizer, 1024)
    encoded = encoder.encode(frame(MC, NUM))
    assert tokenizer.decode(encoded.prompts[0].ids) == f"{MC_TEXT}\nAnswer:"
    targets = encoder.encode_targets(frame(MC, NUM))
    assert [tokenizer.decode(t) for t in targets] == [" B</s>", " 120</s>"]
    assert encoder.letter_ids(frame(MC)) == tokenizer.convert_tokens_to_ids(["ĠA", "ĠB"])


def test_a_letter_that_is_not_one_token_is_refused():
    tokenizer = build_tokenizer(chat=False)
    tokenizer.backend_tokenizer.model = type(tokenizer.backend_tokenizer.model)(
        vocab=tokenizer.get_vocab(), merges=[]
    )
    with pytest.raises(UserError, match="letter 'A' as one token"):
        Encoder(tokenizer, 1024).letter_ids(frame(MC))


def test_an_answer_follows_a_prompt_where_the_tokenizer_ends_every_text():
    plain, ending = build_tokenizer(chat=False), build_tokenizer(chat=False)
    for tokenizer, single in ((plain, "<s> $A"), (ending, "<s> $A </s>")):
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
            single=single, special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    assert ending("a")["input_ids"][-1] == ending.eos_token_id
    encoders = Encoder(plain, 1024), Encoder(ending, 1024)
    prompts, targets, letters = (
        [read(encoder) for encoder in encoders]
        for read in (
            lambda e: e.encode(frame(MC)).prompts[0].ids,
            lambda e: e.encode_targets(frame(MC)),
            lambda e: e.letter_ids(frame(MC)),
        )
    )
    assert prompts[0] == prompts[1] and prompts[0][0] == plain.bos_token_id
    assert targets[0] == targets[1] and letters[0] == letters[1]


def test_a_long_prompt_loses_words_of_its_question_alone():
    tokenizer = build_tokenizer()
    words = " ".join(f"w{i}" for i in range(200))
    long = {**MC, "question": f"start {words} end?"}
    encoder = Encoder(tokenizer, 256)
    encoded = encoder.encode(frame(long, MC))
    assert encoded.cut.tolist() == [True, False]
    text = tokenizer.decode(encoded.prompts[0].ids)
    assert len(encoded.prompts[0].ids) <= 256 - NEW_TOKENS["mc"] - 1
    assert text.startswith("<s><|user|>Answer the following question: start w0")
    assert " ... " in text and "end? Options:\nA. one\nB. two\nAnswer with the option's" in text
    # the next word would not have fitted
    assert len(encoded.prompts[0].ids) > 256 - 12


def test_a_long_question_without_spaces_loses_characters():
    text = "首" + "".join(chr(0x4E00 + i) for i in range(600)) + "末？"
    encoder = Encoder(build_tokenizer(), 256)
    encoded = encoder.encode(frame({**MC, "question": text}))
    assert encoded.cut.tolist() == [True]
    ids = encoded.prompts[0].ids
    shown = encoder.tokenizer.decode(ids)
    assert "question: 首一丁" in shown and "..." in shown
    assert "末？ Options:" in shown
    room = 256 - NEW_TOKENS["mc"] - 1
    assert room - 8 < len(ids) <= room, "as much as fits is kept"


def test_options_that_are_too_long_stay_whole():
    long = {**MC, "options": ["x" * 300, "two"]}
    tokenizer = build_tokenizer()
    encoded = Encoder(tokenizer, 256).encode(frame(long))
    assert encoded.cut.tolist() == [True]
    assert f"A. {'x' * 300}\nB. two" in tokenizer.decode(encoded.prompts[0].ids)
    words = " ".join(f"w{i}" for i in range(200))
    both = Encoder(tokenizer, 256).encode(frame(long, {**MC, "question": words}, MC))
    assert both.describe_cut(256) == (
        "2 of 3 prompts cut to max_length=256; of 1 of them the options alone are longer: they are "
        "read whole, without the question's text"
    )
    assert Encoder(tokenizer, 256).encode(frame(MC)).describe_cut(256) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3.0),
        ("about 1,234.5 cm", 1234.5),
        ("-2", -2.0),
        (".5", 0.5),
        ("2e3", 2000.0),
        ("The answer is two.", 2.0),
        ("12 or 13", 12.0),
        ("1, 2", 1.0),
    ],
)
def test_numbers_are_read(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "none", "I cannot tell", "1e999"])
def test_no_number_is_nan(text):
    assert math.isnan(parse_number(text))


def test_open_answers_are_their_first_line():
    assert clean_text("\n a cat \nbecause") == "a cat"
    assert clean_text("") == ""


@pytest.mark.parametrize(
    "text", ["3", "3.", "about 1,2", "7e", "-", "two", "2 ", "5 \ufffd", "4 -", ""]
)
def test_a_number_that_more_text_could_change_is_not_certain(text):
    assert not number_certain(text)


@given(
    st.text(alphabet="12.,eE+- ax", max_size=12),
    st.text(alphabet="12.,eE+- ax", max_size=6),
)
def test_a_certain_number_stays_whatever_follows(text, more):
    if number_certain(text):
        assert parse_number(text + more) == parse_number(text)
    assert number_certain("There are 12 of them")
