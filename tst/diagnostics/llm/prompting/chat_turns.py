"""A tokenizer's chat template as the text around an answer: all that stands before it, its end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any

import jinja2
from transformers import PreTrainedTokenizerBase
from transformers.utils import chat_template_utils

from tst.core.errors import UserError

TODAY = (2024, 7, 26)
"""The date that templates write as today's (Llama 3.1's own default): prompts stay as they are."""
_QUESTION, _ANSWER = "\x02QUESTION\x02", "\x02ANSWER\x02"
_OPEN_THOUGHT = re.compile(
    r"[<\[◁]([^\s<>\[\]◁▷/]*(?:think|thought|reason)[^\s<>\[\]◁▷]*)[>\]▷]\s*\Z", re.I
)


class ChatTurns:
    """How a model's chat template opens an answer and ends it.

    Thinking is off: ``enable_thinking=False``, and a thought that a template opens all the same is
    closed. What a template writes before every answer (an empty thought, a channel's name) belongs
    to the prompt; spaces just before the answer belong to the answer, since tokenizers join them.

    lead: the spaces that every answer begins with
    end_id: the token that ends an answer: the first special one after it; None where there is none
    Raises UserError for a template that does not write a user's text, or cannot be rendered.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        question = {"role": "user", "content": _QUESTION}
        self._in_parts = False
        try:
            if _QUESTION not in self._rendered([question], True):
                self._in_parts = True  # as templates of vision-language models may want it
                if _QUESTION not in self._rendered([question], True):
                    raise UserError(
                        "The tokenizer's chat template leaves out the user's text; use another "
                        "model."
                    )
        except jinja2.TemplateError as error:
            raise UserError(
                f"The tokenizer's chat template cannot be rendered ({error}); mend it, or use "
                "another model."
            ) from error
        opened = self._rendered([question], True)
        try:
            whole = self._rendered([question, {"role": "assistant", "content": _ANSWER}], False)
        except jinja2.TemplateError:
            whole = ""  # made for one turn
        before, found, after = whole.partition(_ANSWER)
        thought = _OPEN_THOUGHT.search(opened)
        self._cut = 0
        if found and before.startswith(opened):
            rest = before.removeprefix(opened)
        elif thought:
            self._cut = len(opened) - len(opened.rstrip())
            rest = "\n\n" + thought[0].strip().replace(thought[1], f"/{thought[1]}") + "\n\n"
        else:
            rest = ""
        self._rest = rest.rstrip(" ")
        self.lead = rest[len(self._rest) :]
        self.end_id = self._first_special(after)

    def open(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The turns (role, content) and all that the template writes before the next answer."""
        text = self._rendered(messages, True)
        return text[: len(text) - self._cut] + self._rest

    def _rendered(self, messages: Sequence[Mapping[str, str]], opens: bool) -> str:
        turns: list[dict[str, Any]] = [dict(message) for message in messages]
        if self._in_parts:
            turns = [t | {"content": [{"type": "text", "text": t["content"]}]} for t in turns]
        try:
            with _today():
                text = self.tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=opens, enable_thinking=False
                )
        except jinja2.TemplateError:
            raise
        except Exception as error:  # a template is code, which can fail in any way
            raise jinja2.TemplateError(f"{type(error).__name__}: {error}") from error
        return str(text)

    def _first_special(self, text: str) -> int | None:
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
        added = self.tokenizer.added_tokens_decoder.items()
        special = {*self.tokenizer.all_special_ids, *(i for i, t in added if t.content.strip())}
        return next((int(i) for i in ids if i in special), None)


class _Today(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Today:
        return cls(*TODAY)


@contextmanager
def _today() -> Iterator[None]:
    """Let ``strftime_now`` of chat templates be TODAY; they are given plain values alone."""
    names = vars(chat_template_utils)
    clock = names["datetime"]
    names["datetime"] = _Today
    try:
        yield
    finally:
        names["datetime"] = clock
