"""Real tokenizers and chat templates: what stands before an answer, and what ends it."""

from __future__ import annotations

from datetime import datetime

import pytest
from transformers.utils import chat_template_utils

from tests.diagnostics.llm.prompting.test_prompts import MC, NUM, OPEN, frame
from tests.diagnostics.llm.real_tokenizers import real_tokenizer, with_template
from tst.core.errors import UserError
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder
from tst.diagnostics.llm.prompting.prompts import parse_number, render_prompt

LLAMA2 = (
    "{% for m in messages %}{% if m.role == 'user' %}{{ '<s>[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + ' </s>' }}{% endif %}{% endfor %}"
)
LLAMA3_DATED = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
    "Today: {{ date_string if date_string is defined else strftime_now('%d %b %Y') }}<|eot_id|>"
    "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
    "{{ m.content }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHANNELS = (
    "{% for m in messages %}<|start|>{{ m.role }}"
    "{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>{{ m.content }}"
    "{{ '<|return|>' if m.role == 'assistant' else '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
THOUGHT_LEFT_OPEN = (
    "<｜begin▁of▁sentence｜>{% for m in messages %}"
    "{% if m.role == 'user' %}<｜User｜>{{ m.content }}"
    "{% else %}<｜Assistant｜>{{ m.content.split('</think>')[-1] }}<｜end▁of▁sentence｜>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}"
)
EMPTY_THOUGHT = (
    "{% for m in messages %}<|im_start|>{{ m.role }}"
    "{{ '\n<think></think>' if m.role == 'assistant' }}\n{{ m.content }}"
    "{{ '<|im_end|>' if m.role == 'user' }}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant{% endif %}"
)
# name, template (None: the one that is shipped), what stands before an answer, what ends it
CASES = [
    ("qwen3", None, "<|im_start|>assistant\n<think>\n\n</think>\n\n", "<|im_end|>"),
    ("gemma3", None, "<start_of_turn>model\n", "<end_of_turn>"),
    ("llama3_1", None, "assistant<|end_header_id|>\n\n", "<|eot_id|>"),
    ("deepseek_v3", None, "<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
    ("llama2", LLAMA2, "given choices directly. [/INST]", "</s>"),
    ("gptoss", CHANNELS, "<|start|>assistant<|channel|>final<|message|>", "<|return|>"),
    ("deepseek_v3", THOUGHT_LEFT_OPEN, "<｜Assistant｜><think>\n\n</think>\n\n",
     "<｜end▁of▁sentence｜>"),
    ("qwen3", EMPTY_THOUGHT, "<|im_start|>assistant\n<think></think>\n", "<|im_end|>"),
]  # fmt: skip


def encoder(name: str, template: str | None = None) -> Encoder:
    return Encoder(with_template(name, template) if template else real_tokenizer(name), 1024)


@pytest.mark.parametrize(("name", "template", "opening", "end"), CASES)
def test_all_that_a_template_writes_before_an_answer_is_prompt(name, template, opening, end):
    this = encoder(name, template)
    text, target = this.render({**OPEN, "format": "mc", "options": ["one", "two"], "answer": 1})
    assert text.endswith(opening), "no thought stays open, and the turn's opening is whole"
    assert target == f"{this.lead}B{end}" and this.lead in ("", " ")
    assert this.tokenizer.decode([this.end_id]) == end
    letters = this.letter_ids(frame(MC))
    assert [this.tokenizer.decode([i]).strip() for i in letters] == ["A", "B"]
    # training and scoring read the same: the target's first token is the letter's
    assert this.encode_targets(frame(MC)) == [[letters[1], this.end_id]]


@pytest.mark.parametrize(("name", "template", "opening", "end"), CASES)
def test_the_prompt_is_what_the_template_itself_would_give(name, template, opening, end):
    this = encoder(name, template)
    prompt = this.encode(frame(MC)).prompts[0].ids
    messages = [{"role": "user", "content": render_prompt(MC)}]
    plain = this.tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, enable_thinking=False, return_dict=False
    )
    assert prompt[: len(plain) - 2] == plain[:-2], "nothing but the end of an opening is added"
    bos = this.tokenizer.bos_token_id
    assert bos is None or prompt.count(bos) <= 1


@pytest.mark.parametrize("name", ["llama2", "gemma3", "qwen3", "llama3_1"])
def test_a_number_fits_into_the_tokens_decoded_for_it_and_is_read_back(name):
    this = encoder(name, LLAMA2 if name == "llama2" else None)
    for answer in (120.0, 1234567.25, 0.0123456789, -98765432.125):
        (target,) = this.encode_targets(frame({**NUM, "answer": answer}))
        generated = target[: NEW_TOKENS["num"]]
        assert parse_number(this.decode(generated)) == pytest.approx(answer)
        assert generated[-1] == this.end_id


def test_a_template_that_writes_the_date_gives_the_same_prompt_on_any_day(monkeypatch):
    prompts = []
    for day in (1, 2):

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None, day=day):
                return cls(2031, 5, day)

        monkeypatch.setattr(chat_template_utils, "datetime", Clock)
        prompts.append(encoder("llama3_1", LLAMA3_DATED).render(NUM)[0])
        assert chat_template_utils.datetime is Clock, "the clock is given back"
    assert prompts[0] == prompts[1]
    assert "Today: 26 Jul 2024" in prompts[0]


def test_a_template_that_takes_content_in_parts_alone_gets_parts():
    tokenizer = build_tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m.role }}|>"
        "{% for part in m.content if part.type == 'text' %}{{ part.text }}{% endfor %}<|end|>"
        "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    text, target = Encoder(tokenizer, 256).render(NUM)
    assert text == f"<|user|>{render_prompt(NUM)}<|end|><|assistant|>"
    assert target == "120<|end|>"


def test_a_template_that_loses_the_question_is_refused():
    tokenizer = build_tokenizer()
    tokenizer.chat_template = "<|user|>{{ messages | length }}<|end|><|assistant|>"
    with pytest.raises(UserError, match="leaves out the user's text"):
        Encoder(tokenizer, 256)


def test_a_template_that_fails_in_its_own_way_is_one_message():
    tokenizer = build_tokenizer()
    tokenizer.chat_template = "{% for tool in tools %}{% endfor %}{{ messages[0].content }}"
    with pytest.raises(UserError, match=r"cannot be rendered \(TypeError"):
        Encoder(tokenizer, 256)
