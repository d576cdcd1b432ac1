"""Prompts as token ids: of one question, and of a table's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Prompt:
    """Token ids, and at which of them each option is scored (in the table's order of options).

    Without ``ends`` the answer begins right after the last token.
    """

    ids: list[int]
    ends: list[int] = field(default_factory=list)


@dataclass
class EncodedQuestions:
    """Prompts of n questions as token ids, chat turn included.

    index: the questions' labels in their table
    prompts: with the options in the order given
    formats: object array (n,)
    n_options: int array (n,), 0 where the question is not mc
    cut: bool array (n,), True where the question text was shortened to fit max_length
    reordered: for each question, prompts with the options in other orders; often none
    """

    index: np.ndarray
    prompts: list[Prompt]
    formats: np.ndarray
    n_options: np.ndarray
    cut: np.ndarray
    reordered: list[list[Prompt]]

    def __len__(self) -> int:
        return len(self.prompts)

    def describe_cut(self, max_length: int) -> str:
        """How many prompts were shortened, and how many are without their question; or nothing."""
        if not self.cut.any():
            return ""
        told = f"{self.cut.sum()} of {len(self)} prompts cut to max_length={max_length}"
        over = sum(len(prompt.ids) > max_length for prompt in self.prompts)
        if over:
            told += (
                f"; of {over} of them the options alone are longer: they are read whole, without "
                "the question's text"
            )
        return told

    def take(self, labels: Any) -> EncodedQuestions:
        """The questions with these index labels, in this order; KeyError for an unknown one."""
        labels = pd.Index(labels)
        at = pd.Index(self.index).get_indexer(labels)
        if (at < 0).any():
            raise KeyError(f"no question is labelled {labels[at < 0].tolist()[:5]}")
        return EncodedQuestions(
            self.index[at],
            [self.prompts[i] for i in at],
            self.formats[at],
            self.n_options[at],
            self.cut[at],
            [self.reordered[i] for i in at],
        )

    def orders(self, i: int) -> list[Prompt]:
        """All prompts of one question, by position."""
        return [self.prompts[i], *self.reordered[i]]

    def texts(self, kinds: Sequence[str]) -> list[list[int]]:
        """Token ids of all prompts of the questions of these formats."""
        of_kind = np.flatnonzero(np.isin(self.formats.astype(str), kinds))
        return [prompt.ids for i in of_kind for prompt in self.orders(int(i))]
