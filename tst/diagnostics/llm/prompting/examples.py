"""What is learned from one question: tokens, which option is right, or how large a number is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tst.diagnostics.llm.prompting.encoded_questions import Prompt

NO_CHOICES = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Example:
    """One training question.

    prompts: one per fixed order of its options; epoch e shows number e modulo their count
    target: tokens that follow the prompt, where tokens are learned
    goals: float32 (choices,), what the softmax over options or number slots is to be; else empty
    offsets: float32 (choices,), log prior that the scores of the choices are added to
    number: choices are number slots, read at the prompt's last token
    by_token: every target token counts as much as a question without any (the paper's mean over
        tokens); False: all target tokens of a question together do
    """

    prompts: list[Prompt]
    target: list[int] = field(default_factory=list)
    goals: np.ndarray = field(default_factory=lambda: NO_CHOICES)
    offsets: np.ndarray = field(default_factory=lambda: NO_CHOICES)
    number: bool = False
    by_token: bool = True

    def prompt(self, epoch: int) -> Prompt:
        return self.prompts[epoch % len(self.prompts)]

    def fed_ids(self, prompt: Prompt) -> list[int]:
        """What is fed in with one of the prompts: all but the last target token."""
        return prompt.ids + self.target[:-1]

    @property
    def fed(self) -> int:
        """Most tokens that are fed in."""
        return max(len(p.ids) for p in self.prompts) + max(len(self.target) - 1, 0)

    @property
    def positions(self) -> int:
        """Positions at which the model is read."""
        return len(self.target) or len(self.prompts[0].ends) or 1

    @property
    def units(self) -> int:
        """How much the question counts in its step's mean."""
        return len(self.target) if self.target and self.by_token else 1
