"""A prompt's words: the tokens of each, and which part of the question it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.prompting.option_lists import OptionLists, option_lines
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
    """A prompt and its words.

    word_of: int array (tokens,), the word of each token; -1 for chat tokens and spaces
    """

    prompt: Prompt
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
    tokenizer: PreTrainedTokenizerBase, turn: str, prompt: Prompt, row: Mapping[str, Any]
) -> WordedPrompt | None:
    """The words of a rendered turn; None where it was cut, so that ids and text differ.

    turn: the whole text that the prompt's ids encode
    row: format, question, options
    """
    text = render_prompt(row)
    words: list[Word] = []
    word_of = _own_words(tokenizer, turn, prompt.ids, text, _parts(row, text), words)
    return None if word_of is None else WordedPrompt(prompt, words, word_of)


def split_listed_words(
    lists: OptionLists, turn: str, prompt: Prompt, row: Mapping[str, Any]
) -> WordedPrompt | None:
    """The same where the options stand in the assistant's turn (again): a word is in both lists.

    turn: the text of the user's turn
    """
    tokenizer = lists.encoder.tokenizer
    text = render_prompt(row, options_listed=lists.in_user_turn)
    listed = lists.line_ids(row["options"])
    rest = sum(len(ids) for ids in listed) + len(lists.opening)
    in_turn = len(prompt.ids) - rest
    words: list[Word] = []
    parts = _parts(row if lists.in_user_turn else {**row, "options": None}, text)
    word_of = _own_words(tokenizer, turn, prompt.ids[:in_turn], text, parts, words)
    if word_of is None:
        return None
    found = [word_of, np.full(len(lists.opening), -1)]
    for index, (line, ids) in enumerate(zip(option_lines(row["options"]), listed, strict=True)):
        own: list[Word] = []
        mark = len(f"{LETTERS[index]}. ")
        places = [(LETTER, index, 0, mark), (OPTION, index, mark, len(line))]
        coded = len(ids) - len(lists.line_end)
        of_line = _own_words(tokenizer, line, ids[:coded], line, places, own)
        if of_line is None:
            return None
        if lists.in_user_turn:
            known = [n for n, w in enumerate(words) if w.option == index]
        else:
            known = list(range(len(words), len(words) + len(own)))
            words += own
        of_line = np.where(of_line >= 0, np.array(known)[of_line], -1)
        found += [of_line, np.full(len(ids) - coded, -1)]
    return WordedPrompt(prompt, words, np.concatenate(found))


def _own_words(
    tokenizer: PreTrainedTokenizerBase,
    turn: str,
    ids: list[int],
    text: str,
    parts: list[tuple[str, int, int, int]],
    words: list[Word],
) -> np.ndarray | None:
    """The word of each token of a turn, counted from the turn's first; adds the words to ``words``.

    None where the ids are not those of the turn. ``parts``: stretches of ``text`` in the turn
    """
    coded = tokenizer(turn, add_special_tokens=False, return_offsets_mapping=True)
    spare = len(ids) - len(coded["input_ids"])  # BOS, where no template writes it
    if spare < 0 or list(coded["input_ids"]) != list(ids[spare:]):
        return None
    start = turn.index(text)
    owner = np.full(len(turn), -1)
    for part, option, begin, end in parts:
        for match in WORD.finditer(text, begin, end):
            owner[start + match.start() : start + match.end()] = len(words)
            words.append(Word(match.group(), part, option))
    word_of = np.full(len(ids), -1)
    for i, (begin, end) in enumerate(coded["offset_mapping"]):
        owners = owner[begin:end]
        owners = owners[owners >= 0]
        if len(owners):
            word_of[spare + i] = owners[0]
    return word_of


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
