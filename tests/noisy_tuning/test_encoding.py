"""Pairs as token ids: the model's own template, targets, cutting."""

import pytest

from tst.core.errors import UserError
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.noisy_tuning.encoding import encode_pairs
from tst.noisy_tuning.pairs import user_turn

CHAT, PLAIN = build_tokenizer(chat=True), build_tokenizer(chat=False)


def encode_one(tokenizer, prompt, response, max_length=512):
    encoded = encode_pairs(tokenizer, [prompt], [response], max_length)
    ((ids, target),) = encoded.examples
    return ids, target, encoded.cut


def test_a_chat_model_reads_its_own_template():
    ids, target, cut = encode_one(CHAT, user_turn("Add 1 and 2."), "3")
    assert CHAT.decode(ids) == "<s><|user|>Add 1 and 2.<|end|><|assistant|>"
    assert CHAT.decode(target) == "3<|end|>"
    assert cut == 0


def test_earlier_turns_are_part_of_the_prompt():
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    ids, _, _ = encode_one(CHAT, turns, "Bye")
    assert "<|assistant|>Hello<|end|><|user|>Bye" in CHAT.decode(ids)


def test_a_base_model_gets_text_and_answer_with_a_leading_space():
    ids, target, _ = encode_one(PLAIN, user_turn("Add 1 and 2."), "3")
    assert PLAIN.decode(ids).endswith("Add 1 and 2.\nAnswer:")
    assert PLAIN.decode(target) == " 3</s>"


def test_long_prompts_lose_their_middle_and_long_responses_their_end():
    prompt = user_turn("start " + "x" * 200 + " end")
    ids, target, cut = encode_one(CHAT, prompt, "y" * 200, max_length=64)
    assert len(ids) == 32 and len(ids) + len(target) == 64 and cut == 1
    text = CHAT.decode(ids)
    assert text.startswith("<s><|user|>start") and text.endswith("end<|end|><|assistant|>")
    assert CHAT.decode(target) == "y" * 32


def test_short_prompts_leave_their_room_to_the_response():
    ids, target, _ = encode_one(CHAT, user_turn("x"), "y" * 200, max_length=64)
    assert len(ids) + len(target) == 64 and len(ids) < 10


def test_turns_that_the_template_refuses_are_the_users_to_mend():
    tokenizer = build_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}"
        "{{ raise_exception('System role not supported') }}{% endif %}"
        "{{ m['content'] }}{% endfor %}"
    )
    turns = [{"role": "system", "content": "Be brief."}, *user_turn("Hi")]
    with pytest.raises(UserError, match="refuses the turns system, user"):
        encode_one(tokenizer, turns, "Hello")
