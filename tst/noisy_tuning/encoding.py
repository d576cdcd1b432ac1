"""Instruction pairs as token ids: the model's own chat turns, then the response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from tst.core.errors import UserError
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.noisy_tuning.pairs import Turn, user_turn

Example = tuple[list[int], list[int]]
"""(prompt, target) token ids; the target ends with the end-of-turn token, where it fits."""

MOST_PROMPT = 0.5
"""Largest share of max_length that a prompt may take; the rest is left to the response."""


@dataclass
class EncodedPairs:
    """examples: one per pair; cut: how many prompts or responses were cut to fit max_length."""

    examples: list[Example]
    cut: int


def encode_pairs(
    tokenizer: Any, prompts: Sequence[Sequence[Turn]], responses: Sequence[str], max_length: int
) -> EncodedPairs:
    """Token ids of pairs, at most max_length per pair.

    A prompt longer than half of max_length loses its middle; a response that then does not fit
    loses its end. Without a chat template a prompt is its turns' text, a newline and ``Answer:``.
    Raises UserError for turns that the model's template refuses (often a system turn).
    """
    if not prompts:
        return EncodedPairs([], 0)
    encoder = Encoder(tokenizer, max_length)
    opened = [_open_turn(encoder, prompt) for prompt in prompts]
    whole = [
        text + encoder.lead + response for text, response in zip(opened, responses, strict=True)
    ]
    alone_ids, whole_ids = encoder.token_ids(opened), encoder.token_ids(whole)
    examples, cut = [], 0
    for prompt, both, response in zip(alone_ids, whole_ids, responses, strict=True):
        if both[: len(prompt)] == prompt:
            answer = both[len(prompt) :]
        else:  # the tokenizer joins the response's start with the prompt's end
            answer = encoder.token_ids([encoder.lead + response], special=False)[0]
        fitted = _without_middle(prompt, int(MOST_PROMPT * max_length))
        target = [*answer, encoder.end_id]
        cut += len(fitted) < len(prompt) or len(fitted) + len(target) > max_length
        examples.append((fitted, target[: max_length - len(fitted)]))
    return EncodedPairs(examples, cut)


def without_prompts(tokenizer: Any, examples: Sequence[Example], max_length: int) -> list[Example]:
    """The same targets after an empty user turn."""
    ((empty, _),) = encode_pairs(tokenizer, [user_turn("")], [""], max_length).examples
    return [(empty, target) for _, target in examples]


def _open_turn(encoder: Encoder, prompt: Sequence[Turn]) -> str:
    """The prompt as the model reads it, up to where its response begins."""
    try:
        return encoder.open_turn(prompt)
    except jinja2.TemplateError as error:
        roles = ", ".join(turn["role"] for turn in prompt)
        raise UserError(
            f"The model's chat template refuses the turns {roles} ({error}). Remove the turns that "
            "it does not know from the data, or use another model."
        ) from error


def _without_middle(ids: list[int], most: int) -> list[int]:
    """The ids, without their middle where they are more than ``most``."""
    if len(ids) <= most:
        return ids
    tail = most // 2
    return ids[: most - tail] + ids[len(ids) - tail :]
