"""Questions as token ids: the model's own chat turn, the answer position, the option letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedTokenizerBase

from tst.core.errors import UserError
from tst.diagnostics.llm.prompting.chat_turns import ChatTurns
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.prompting.prompts import (
    CUT,
    LETTERS,
    cut_middle,
    number_certain,
    render_prompt,
    target_text,
)

NOT_LETTERS = "Use diagnostic.mc_scoring=options, or another model."
NEW_TOKENS = {"mc": 1, "num": 24, "open": 32}
"""Most tokens of an answer; some tokenizers write a number digit by digit."""


class Encoder:
    """Turns questions into token ids for one tokenizer.

    With a chat template the prompt is a user's turn and all that the template writes before the
    answer, and targets close with its end-of-turn (``ChatTurns``); without, the prompt is the text,
    a newline and ``Answer:``, and targets have a leading space.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.turns = ChatTurns(tokenizer) if tokenizer.chat_template else None
        self.lead = self.turns.lead if self.turns else " "
        eos = tokenizer.eos_token_id
        end = self.turns.end_id if self.turns else None
        self.end_id = end if end is not None else eos
        if self.end_id is None:
            raise UserError(
                "The tokenizer has neither a chat template with an end of turn nor an EOS, so that "
                "no answer can end. Name its eos_token in tokenizer_config.json, or use another "
                "model."
            )
        stops = {self.end_id} if eos is None else {self.end_id, eos}
        self.stop_ids = sorted(int(i) for i in stops)
        self._targets: dict[tuple[str, str], list[int]] = {}
        self._digits = _DigitTokens(tokenizer)
        plain, added = (
            tokenizer("A", add_special_tokens=add)["input_ids"] for add in (False, True)
        )
        self._added_after = added[::-1].index(plain[-1]) if plain else 0

    def encode(self, questions: pd.DataFrame) -> EncodedQuestions:
        """Prompts of all questions; reads no answers. Long ones are cut inside the question."""
        rows = _records(questions, ["format", "question", "options"])
        ids, cut = self.encode_turns(rows, [NEW_TOKENS[row["format"]] + 1 for row in rows])
        sizes = [len(r["options"]) if r["format"] == "mc" else 0 for r in rows]
        return EncodedQuestions(
            questions.index.to_numpy(),
            [Prompt(own) for own in ids],
            questions["format"].to_numpy(dtype=object),
            np.array(sizes),
            cut,
            [[] for _ in rows],
        )

    def encode_turns(
        self, rows: list[dict[str, Any]], reserved: list[int], options_listed: bool = True
    ) -> tuple[list[list[int]], np.ndarray]:
        """User turns as token ids, and which were cut.

        reserved: tokens of max_length that each row needs after its turn
        """
        ids = self.token_ids([self.render_turn(row, options_listed) for row in rows])
        cut = np.zeros(len(rows), dtype=bool)
        for i, row in enumerate(rows):
            room = self.max_length - reserved[i]
            if len(ids[i]) > room:
                shorter = self._shorter_question(row, room, options_listed)
                turn = self._turn(render_prompt(row, shorter, options_listed))
                ids[i], cut[i] = self.token_ids([turn])[0], True
        return ids, cut

    def user_texts(self, questions: pd.DataFrame) -> tuple[list[str], np.ndarray]:
        """What a user says of each question, cut as ``encode`` cuts it, and which were cut.

        For others to render with the same chat template; without one, the whole prompt.
        """
        rows = _records(questions, ["format", "question", "options"])
        texts = [render_prompt(row) for row in rows]
        cut = np.zeros(len(rows), dtype=bool)
        lengths = [len(ids) for ids in self.token_ids([self._turn(text) for text in texts])]
        for i, row in enumerate(rows):
            room = self.max_length - NEW_TOKENS[row["format"]] - 1
            if lengths[i] > room:
                texts[i], cut[i] = render_prompt(row, self._shorter_question(row, room)), True
        if self.turns is None:
            texts = [self._turn(text) for text in texts]
        return texts, cut

    def target_texts(self, questions: pd.DataFrame) -> list[str]:
        """The targets as text, without the end-of-turn, which a chat template writes itself."""
        rows = _records(questions, ["format", "question", "options", "answer"])
        lead = self.lead if self.turns is None else ""
        return [lead + target_text(row) for row in rows]

    def encode_targets(self, questions: pd.DataFrame) -> list[list[int]]:
        """Target ids (answer, then end-of-turn) of questions that have answers."""
        rows = _records(questions, ["format", "question", "options", "answer"])
        return [self._target(row) for row in rows]

    def _target(self, row: dict[str, Any]) -> list[int]:
        """As tokens after a prompt of its format: all prompts of a format end in the same words."""
        text = self.lead + target_text(row)
        known = self._targets.get((row["format"], text))
        if known is None:
            turn = self._turn(render_prompt(row))
            whole, prompt = self.token_ids([turn + text, turn])
            joined = whole[: len(prompt)] == prompt
            known = whole[len(prompt) :] if joined else self.token_ids([text], special=False)[0]
            self._targets[row["format"], text] = known
        return [*known, self.end_id]

    def letter_ids(self, questions: pd.DataFrame) -> list[int]:
        """The token of each option letter at the answer position, up to the longest option list.

        Checked in the context of a real prompt; raises UserError where a letter is not one token.
        """
        mc = questions[questions["format"] == "mc"]
        if mc.empty:
            return []
        turn = self._turn(render_prompt(_records(mc.head(1), ["format", "question", "options"])[0]))
        prompt = self.token_ids([turn])[0]
        letters = LETTERS[: int(mc["options"].map(len).max())]
        ids = []
        for letter, whole in zip(
            letters, self.token_ids([turn + self.lead + x for x in letters]), strict=True
        ):
            if whole[: len(prompt)] != prompt or len(whole) != len(prompt) + 1:
                raise UserError(
                    f"This tokenizer does not write the option letter {letter!r} as one token after"
                    f" {turn[-24:]!r}; letters cannot be scored exactly. {NOT_LETTERS}"
                )
            ids.append(int(whole[-1]))
        if len(set(ids)) != len(ids):
            raise UserError(f"Two option letters share one token. {NOT_LETTERS}")
        return ids

    def decode(self, ids: list[int]) -> str:
        """Generated text up to the end of the turn."""
        for at, token in enumerate(ids):
            if token in self.stop_ids:
                ids = ids[:at]
                break
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))

    def numbers_ended(self, continued: np.ndarray) -> np.ndarray:
        """Which (n,) generated numbers, token ids (n, tokens), are certain or ended their turn."""
        ended = np.isin(continued[:, -1], self.stop_ids)
        for i in np.flatnonzero(self._digits.in_texts(continued) & ~ended):
            ended[i] = number_certain(self.decode(continued[i].tolist()))
        return ended

    def render(self, row: dict[str, Any]) -> tuple[str, str]:
        """The whole prompt as the model reads it, and the target with its end-of-turn, as text."""
        end = str(self.tokenizer.convert_ids_to_tokens(self.end_id))
        return self._turn(render_prompt(row)), self.lead + target_text(row) + end

    def render_turn(self, row: Mapping[str, Any], options_listed: bool) -> str:
        """A question as the model reads it, up to where its answer begins."""
        return self._turn(render_prompt(row, options_listed=options_listed))

    def _turn(self, prompt: str) -> str:
        return self.open_turn([{"role": "user", "content": prompt}])

    def open_turn(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Messages (role, content) as the model reads them, up to where its answer begins."""
        if self.turns is None:
            return "\n".join(message["content"] for message in messages) + "\nAnswer:"
        return self.turns.open(messages)

    def token_ids(self, texts: list[str], special: bool | None = None) -> list[list[int]]:
        """Token ids; BOS and the like only where no chat template writes them itself.

        An EOS that some tokenizers add to every text is left out: an answer follows.
        """
        if not texts:
            return []
        add = self.turns is None if special is None else special
        found: list[list[int]] = self.tokenizer(texts, add_special_tokens=add)["input_ids"]
        after = self._added_after if add else 0
        return [ids[: len(ids) - after] for ids in found]

    def _shorter_question(self, row: dict[str, Any], room: int, options_listed: bool = True) -> str:
        """The longest question text that fits: words are taken out of its middle.

        Characters where not one word fits, as in languages that put no space between words.
        Options and instruction stay; where they alone are too long the prompt stays too long.
        """

        def fits(text: str) -> bool:
            turn = self._turn(render_prompt(row, text, options_listed))
            return len(self.token_ids([turn])[0]) <= room

        question = row["question"]
        return (
            cut_middle(question.split(" "), " ", fits)
            or cut_middle(list(question), "", fits)
            or CUT
        )


class _DigitTokens:
    """Which tokens have a digit in them; each is looked at once."""

    UNKNOWN = -1

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._has_digit = np.zeros(0, dtype=np.int8)

    def in_texts(self, ids: np.ndarray) -> np.ndarray:
        """Which (n,) of texts (n, tokens) have one."""
        missing = int(ids.max()) + 1 - len(self._has_digit)
        if missing > 0:
            self._has_digit = np.pad(self._has_digit, (0, missing), constant_values=self.UNKNOWN)
        found = self._has_digit[ids]
        fresh = np.unique(ids[found == self.UNKNOWN]).tolist()
        if fresh:
            texts = [str(self.tokenizer.decode([token])) for token in fresh]
            self._has_digit[fresh] = [any(c.isdigit() for c in text) for text in texts]
            found = self._has_digit[ids]
        return np.asarray((found == 1).any(axis=1))


def _records(questions: pd.DataFrame, columns: list[str]) -> list[dict[str, Any]]:
    return [
        dict(zip(columns, row, strict=True))
        for row in questions[columns].itertuples(index=False, name=None)
    ]
