"""How the model's own chat template, as other trainers use it, differs from what is scored.

Others render a user's and an assistant's turn at once and learn all of the second. Ours learn the
answer and its end-of-turn; templates go on, often with a line break.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from typing import Any

import jinja2
import pandas as pd

from tst.core.errors import UserError
from tst.diagnostics.llm.prompting.encoding import Encoder

_ENDING = (
    "{{% set turns %}}{template}{{% endset %}}"
    "{{% if not add_generation_prompt and messages[-1]['role'] == 'assistant' "
    "and turns.endswith({rest}) %}}{{{{ turns[:-{length}] }}}}"
    "{{% else %}}{{{{ turns }}}}{{% endif %}}"
)


@dataclass(frozen=True)
class Differences:
    """Counted over questions.

    compared: questions; 0 where the tokenizer has no chat template
    prompts: those whose prompt has other tokens; targets: those whose target does not begin with
        ours
    more_tokens: tokens that a target has after ours, as text, and how many targets have them
    cut: prompts that are cut to max_length
    """

    compared: int
    prompts: int
    targets: int
    more_tokens: dict[str, int]
    cut: int

    def to_plain(self) -> dict[str, Any]:
        """Nested dicts for JSON."""
        return asdict(self)

    def sentences(self) -> list[str]:
        """What someone who trains should know."""
        told = []
        if self.prompts:
            told.append(f"{self.prompts} of {self.compared} prompts have other tokens than ours")
        if self.targets:
            told.append(f"{self.targets} of {self.compared} targets have other tokens than ours")
        for text, count in self.more_tokens.items():
            told.append(f"{count} of {self.compared} targets end with {text!r} after ours")
        if self.cut:
            told.append(f"{self.cut} prompts are cut inside the question to max_length")
        return told


def compare_rendering(questions: pd.DataFrame, encoder: Encoder) -> Differences:
    """Compare the rows that are exported with what is trained and scored here, token by token.

    questions: with answers
    """
    texts, cut = encoder.user_texts(questions)
    if encoder.turns is None:
        return Differences(0, 0, 0, {}, int(cut.sum()))
    prompts = [prompt.ids for prompt in encoder.encode(questions).prompts]
    targets = encoder.encode_targets(questions)
    whole = render_turns(encoder, texts, encoder.target_texts(questions))
    other_prompts, other_targets = 0, 0
    more: Counter[str] = Counter()
    for prompt, target, ids in zip(prompts, targets, whole, strict=True):
        rest = ids[len(prompt) :]
        if ids[: len(prompt)] != prompt:
            other_prompts += 1
        elif rest[: len(target)] != target:
            other_targets += 1
        elif len(rest) > len(target):
            more[str(encoder.tokenizer.decode(rest[len(target) :]))] += 1
    return Differences(len(prompts), other_prompts, other_targets, dict(more), int(cut.sum()))


def template_that_ends(questions: pd.DataFrame, encoder: Encoder, found: Differences) -> str | None:
    """The model's chat template without what it writes after an answer's end.

    None where it writes nothing there, and where leaving that out alone does not make every target
    the one that is trained and scored here. ``found``: of the same questions
    """
    template = encoder.tokenizer.chat_template
    if not isinstance(template, str) or list(found.more_tokens.values()) != [found.compared]:
        return None
    rest = next(iter(found.more_tokens))
    own = copy(encoder.tokenizer)
    own.chat_template = _ENDING.format(
        template=template.removesuffix("\n"), rest=json.dumps(rest), length=len(rest)
    )
    left = compare_rendering(questions, Encoder(own, encoder.max_length))
    return own.chat_template if left == replace(found, more_tokens={}) else None


def render_turns(
    encoder: Encoder, prompts: Sequence[str], targets: Sequence[str]
) -> list[list[int]]:
    """Token ids of a user's and an assistant's turn by the tokenizer's own template.

    Raises UserError for a template that renders no assistant's turn.
    """
    try:
        texts = [
            str(
                encoder.tokenizer.apply_chat_template(
                    [
                        {"role": "user", "content": prompt},
                        {"role": "assistant", "content": target},
                    ],
                    tokenize=False,
                    enable_thinking=False,
                )
            )
            for prompt, target in zip(prompts, targets, strict=True)
        ]
    except jinja2.TemplateError as error:
        raise UserError(
            f"The tokenizer's chat template renders no assistant's turn ({error}), which others "
            "train on; use another model."
        ) from error
    return encoder.token_ids(texts, special=False)
