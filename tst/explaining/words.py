"""A prompt's words: the tokens of each, and which part of the question it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from tst.diagnostics.llm.prompting.prompts import LETTERS, render_prompt

WORD = re.compile(r"\S+")
LETTER, OPTION, QUESTION, INSTRUCTION = "letter", "option", "question", "instruction"


@dataclass(frozen=True)
class Word:
    """A run of characters without space.

    part: question, option, letter (before an option) or instruction
    option: index of the option that it belongs to, -1 outside of options
    """

    text: str
    part: str
    option: int = -1


@dataclass
class WordedPrompt:
    """Token ids of a prompt and its words.

    word_of: int array (tokens,), the word of each token; -1 for chat tokens and spaces
    """

    ids: list[int]
    words: list[Word]
    word_of: np.ndarray

    def by_token(self, values: np.ndarray) -> np.ndarray:
        """Float array (tokens,): each word's value divided evenly among its tokens, 0 elsewhere."""
        inside = self.word_of >= 0
        sizes = np.bincount(self.word_of[inside], minlength=len(self.words))
        return np.where(inside, (values / np.maximum(sizes, 1))[self.word_of], 0.0)

    def tokens_of(self, words: np.ndarray) -> np.ndarray:
        """bool array (tokens,): the tokens of the words with these indices."""
        return np.isin(self.word_of, words)


def split_words(
    tokenizer: PreTrainedTokenizerBase, turn: str, ids: list[int], row: Mapping[str, Any]
) -> WordedPrompt | None:
    """The words of a rendered turn; None where it was cut, so that ids and text differ.

    turn: the whole text that ``ids`` encode
    row: format, question, options
    """
    coded = tokenizer(turn, add_special_tokens=False, return_offsets_mapping=True)
    spare = len(ids) - len(coded["input_ids"])  # BOS, where no template writes it
    if spare < 0 or list(coded["input_ids"]) != list(ids[spare:]):
        return None
    prompt = render_prompt(row)
    start = turn.index(prompt)
    words: list[Word] = []
    owner = np.full(len(turn), -1)
    for part, option, begin, end in _parts(row, prompt):
        for match in WORD.finditer(prompt, begin, end):
            owner[start + match.start() : start + match.end()] = len(words)
            words.append(Word(match.group(), part, option))
    word_of = np.full(len(ids), -1)
    for i, (begin, end) in enumerate(coded["offset_mapping"]):
        owners = owner[begin:end]
        owners = owners[owners >= 0]
        if len(owners):
            word_of[spare + i] = owners[0]
    return WordedPrompt(list(ids), words, word_of)


def _parts(row: Mapping[str, Any], prompt: str) -> list[tuple[str, int, int, int]]:
    """(part, option, begin, end) of every part of a rendered prompt, in order."""
    at = prompt.index(row["question"])
    end = at + len(row["question"])
    parts = [(INSTRUCTION, -1, 0, at), (QUESTION, -1, at, end)]
    for index, option in enumerate(row["options"] or []):
        mark = f"\n{LETTERS[index]}. "
        begin = prompt.index(mark + option, end)
        parts.append((INSTRUCTION, -1, end, begin))
        middle, end = begin + len(mark), begin + len(mark) + len(option)
        parts += [(LETTER, index, begin, middle), (OPTION, index, middle, end)]
    return [*parts, (INSTRUCTION, -1, end, len(prompt))]
