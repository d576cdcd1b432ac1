"""Options listed in the assistant's turn, each scored at the end of its line.

A small model cannot bind letters to options. Here the assistant's turn begins with the options, one
per line, and the state at the end of each line says whether that one is right: " yes" against
" no". It is one causal sequence per question, whatever the number of options.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder
from tst.diagnostics.llm.prompting.prompts import LETTERS

LISTED_TWICE = "twice"


class OptionLists:
    """Encodes questions with the options in the assistant's turn.

    list_options: twice (in the user's turn too) or once
    orders: fixed orders of the options per question; the first is as given, the others follow from
        the question's content
    """

    def __init__(self, encoder: Encoder, list_options: str, orders: int) -> None:
        self.encoder = encoder
        self.in_user_turn = list_options == LISTED_TWICE
        self.orders = orders
        opening = encoder.lead if encoder.turns else "\n"
        self.opening = encoder.token_ids([opening], special=False)[0] if opening else []
        self.line_end = encoder.token_ids(["\n"], special=False)[0]
        self.yes_no = self._yes_no()

    def encode(self, questions: pd.DataFrame) -> EncodedQuestions:
        """Prompts of all questions; reads no answers. Long ones are cut inside the question."""
        columns = ["format", "question", "options"]
        rows: list[dict[str, Any]] = [
            dict(zip(columns, row, strict=True))
            for row in questions[columns].itertuples(index=False, name=None)
        ]
        given, cut = self._encode_orders(rows, [_identity(row) for row in rows])
        orders = [option_orders(row, self.orders) for row in rows]
        reordered: list[list[Prompt]] = [[] for _ in rows]
        for at in range(1, self.orders):
            with_another = [i for i, own in enumerate(orders) if at < len(own)]
            more, also_cut = self._encode_orders(
                [rows[i] for i in with_another], [orders[i][at] for i in with_another]
            )
            for i, prompt in zip(with_another, more, strict=True):
                reordered[i].append(prompt)
            cut[with_another] |= also_cut
        sizes = [len(r["options"]) if r["format"] == "mc" else 0 for r in rows]
        formats = questions["format"].to_numpy(dtype=object)
        index = questions.index.to_numpy()
        return EncodedQuestions(index, given, formats, np.array(sizes), cut, reordered)

    def render_turn(self, row: Mapping[str, Any]) -> str:
        """The user's turn of a question, as text."""
        return self.encoder.render_turn(row, self.in_user_turn)

    def line_ids(self, options: Sequence[str]) -> list[list[int]]:
        """Token ids of each option's line, its end included."""
        lines = self.encoder.token_ids(option_lines(options), special=False)
        return [line + self.line_end for line in lines]

    def _encode_orders(
        self, rows: list[dict[str, Any]], orders: list[list[int]]
    ) -> tuple[list[Prompt], np.ndarray]:
        """One prompt per row, its options in this order (empty where it has none)."""
        shown = [
            {**row, "options": [row["options"][o] for o in order]} if order else row
            for row, order in zip(rows, orders, strict=True)
        ]
        texts = [
            line
            for row, order in zip(shown, orders, strict=True)
            for line in option_lines(row["options"] if order else [])
        ]
        lines = iter(self.encoder.token_ids(texts, special=False))
        answers = [self._listed([next(lines) + self.line_end for _ in order]) for order in orders]
        reserved = [
            len(ids) if order else NEW_TOKENS[row["format"]] + 1
            for row, order, (ids, _) in zip(rows, orders, answers, strict=True)
        ]
        turns, cut = self.encoder.encode_turns(shown, reserved, self.in_user_turn)
        prompts = []
        for turn, order, (ids, line_ends) in zip(turns, orders, answers, strict=True):
            ends = [0] * len(order)
            for place, option in enumerate(order):
                ends[option] = len(turn) + line_ends[place]
            prompts.append(Prompt(turn + ids if order else turn, ends))
        return prompts, cut

    def _listed(self, lines: list[list[int]]) -> tuple[list[int], list[int]]:
        """The assistant's turn so far, and the position of each line's last token in it."""
        ids, ends = list(self.opening), []
        for line in lines:
            ids += line
            ends.append(len(ids) - 1)
        return ids, ends

    def _yes_no(self) -> tuple[int, int]:
        """The first tokens in which " yes" and " no" differ."""
        yes, no = self.encoder.token_ids([" yes", " no"], special=False)
        for pair in zip(yes, no, strict=False):
            if pair[0] != pair[1]:
                return pair
        raise UserError(
            'This tokenizer writes " yes" and " no" alike; use diagnostic.mc_scoring=letters.'
        )


def option_lines(options: Sequence[str]) -> list[str]:
    """The options as they are listed."""
    return [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]


def option_orders(row: dict[str, Any], orders: int) -> list[list[int]]:
    """At most this many different orders of an mc question's options; ``[o, ...]`` as shown.

    Drawn from the question's content, so that folds, epochs and files agree on them.
    """
    found = [_identity(row)]
    if orders == 1 or not found[0]:
        return found
    content = json.dumps([row["question"], list(row["options"])], ensure_ascii=False)
    digest = hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    draw = np.random.default_rng(int.from_bytes(digest, "little"))
    for _ in range(8 * orders):  # two options have two orders: no endless search for a third
        order = draw.permutation(len(found[0])).tolist()
        if order not in found:
            found.append(order)
        if len(found) == orders:
            break
    return found


def _identity(row: dict[str, Any]) -> list[int]:
    return list(range(len(row["options"]))) if row["format"] == "mc" else []
