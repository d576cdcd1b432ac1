"""From a source record to an instruction pair: a prompt of chat turns and a response."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tst.benchmarks.values import is_blank, look_up, plain_text
from tst.core.errors import UserError, brief
from tst.noisy_tuning.settings import PairColumns

Record = Mapping[str, Any]
Turn = dict[str, str]

ROLES = ("system", "user", "assistant")
SHAREGPT_ROLES = {"human": "user", "gpt": "assistant"}
"""Roles as ShareGPT's {from, value} messages name them."""
NEEDED = {
    "preference": ("chosen", "rejected"),
    "messages": ("messages",),
    "alpaca": ("instruction", "output"),
}
"""The columns that a format needs, in the order in which ``auto`` looks for them."""
USUAL_NAMES = {
    "instruction": ("instruction", "prompt", "question", "query", "problem", "input"),
    "output": ("output", "response", "completion", "answer", "reply", "target", "solution"),
}
"""What columns are often called that hold the two parts of a pair; for the advice in a message."""


@dataclass(frozen=True)
class Pair:
    """One instruction and its response.

    prompt: the turns before the response, {role, content}, as chat templates take them
    rejected: a worse response that the data offers, or None
    family: the kind of task, where it is known (generated pairs)
    id: what the source calls it; empty where it does not
    """

    prompt: list[Turn]
    response: str
    rejected: str | None = None
    family: str | None = None
    id: str = ""


class BadRow(ValueError):
    """Why a record is not a usable pair, in a few words."""


def decide_format(name: str, wanted: str, columns: PairColumns, records: Sequence[Record]) -> str:
    """The format of a source: the one asked for, else the first whose columns it has.

    Raises UserError naming the columns that are missing and those that it has.
    """
    present = list(dict.fromkeys(str(key) for record in records for key in record))

    def missing(form: str) -> list[str]:
        wanted = [getattr(columns, key) for key in NEEDED[form]]
        return [c for c in wanted if all(look_up(r, c) is None for r in records[:1000])]

    if wanted != "auto" and not (absent := missing(wanted)):
        return wanted
    if wanted == "auto":
        for form in NEEDED:
            if not missing(form):
                return form
        expected = "; or ".join(f"{', '.join(keys)} ({form})" for form, keys in NEEDED.items())
        raise UserError(
            f"data {name}: the columns are {', '.join(present)}; expected {expected}. Name them, "
            f"e.g. {_advise(present, records)}."
        )
    near = {c: difflib.get_close_matches(c, present, n=1, cutoff=0.5) for c in absent}
    hints = [f"{c!r}" + (f" (did you mean {m[0]!r}?)" if m else "") for c, m in near.items()]
    raise UserError(
        f"data {name}: data.format={wanted} needs the columns {', '.join(hints)}; there are "
        f"{', '.join(present)}. Set data.columns.NAME=COLUMN or another data.format."
    )


def _advise(present: Sequence[str], records: Sequence[Record]) -> str:
    """The settings that most likely name a source's columns."""
    for column in present:
        if any(isinstance(record.get(column), list) for record in records[:1000]):
            return f"data.columns.messages={column}"
    named = []
    for part, names in USUAL_NAMES.items():
        near = difflib.get_close_matches
        found = [c for name in names for c in present if near(c.lower(), [name], 1, 0.8)]
        named.append(f"data.columns.{part}={found[0] if found else 'COLUMN'}")
    return " ".join(named)


def read_pair(record: Record, form: str, columns: PairColumns) -> Pair:
    """The pair in a record of the given format. Raises BadRow."""
    name = look_up(record, columns.id)
    if isinstance(name, float) and name.is_integer():  # a column of numbers with a gap
        name = int(name)
    return replace(_read(record, form, columns), id=plain_text(name))


def _read(record: Record, form: str, columns: PairColumns) -> Pair:
    if form == "alpaca":
        prompt = _instruction(record, columns)
        return Pair(prompt, _text(look_up(record, columns.output), columns.output))
    if form == "messages":
        messages = _parse_text(look_up(record, columns.messages))
        prompt, response = _conversation(messages, columns.messages)
        return Pair(prompt, response)
    chosen, rejected = look_up(record, columns.chosen), look_up(record, columns.rejected)
    if isinstance(chosen, list):
        prompt, response = _conversation(chosen, columns.chosen)
    else:
        prompt, response = _instruction(record, columns), _text(chosen, columns.chosen)
    if isinstance(rejected, list):
        return Pair(prompt, response, _conversation(rejected, columns.rejected)[1])
    return Pair(prompt, response, _text(rejected, columns.rejected))


def user_turn(instruction: str, context: str = "") -> list[Turn]:
    """A prompt of one user turn: the instruction, and behind an empty line its input, if any."""
    return [{"role": "user", "content": f"{instruction}\n\n{context}" if context else instruction}]


def prompt_text(prompt: Sequence[Turn]) -> str:
    """A prompt's turns as one text; different prompts have different texts."""
    return "\n".join(f"{turn['role']}: {turn['content']}" for turn in prompt)


def _instruction(record: Record, columns: PairColumns) -> list[Turn]:
    context = look_up(record, columns.input)
    return user_turn(
        _text(look_up(record, columns.instruction), columns.instruction),
        "" if is_blank(context) else _text(context, columns.input),
    )


def _text(value: Any, column: str) -> str:
    """A cell's text without surrounding white space. Raises BadRow for blank cells and lists."""
    if is_blank(value):
        raise BadRow(f"{column} is empty")
    if not isinstance(value, str | int | float):
        raise BadRow(f"{column} is a {type(value).__name__}, not text")
    return plain_text(value)


def _parse_text(value: Any) -> Any:
    """The list that a CSV cell holds as JSON; other values as they are."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _conversation(messages: Any, column: str) -> tuple[list[Turn], str]:
    """(prompt, response) of a list of messages that ends with the assistant's. Raises BadRow.

    Messages are {role, content} or {from, value}. A system message without text is none.
    """
    if not isinstance(messages, list) or not all(isinstance(m, Mapping) for m in messages):
        raise BadRow(f"{column} is not a list of messages {{role, content}}")
    turns = []
    for position, message in enumerate(messages):
        key, content = ("role", "content") if "role" in message else ("from", "value")
        role = SHAREGPT_ROLES.get(str(message.get(key)), message.get(key))
        if role not in ROLES:
            raise BadRow(
                f"{column}[{position}] has the role {brief(role, 40)}, not {'/'.join(ROLES)}"
            )
        if role == "system" and is_blank(message.get(content)):
            continue
        text = _text(message.get(content), f"{column}[{position}].{content}")
        turns.append({"role": str(role), "content": text})
    if not turns or turns[-1]["role"] != "assistant":
        raise BadRow(f"{column} does not end with a message of the assistant")
    if not any(turn["role"] == "user" for turn in turns[:-1]):
        raise BadRow(f"{column} has no message of the user before the last")
    return turns[:-1], turns[-1]["content"]
