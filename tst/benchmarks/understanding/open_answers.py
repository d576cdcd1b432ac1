"""Gold of open questions: the texts that are accepted, as often as they were given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tst.benchmarks.literals import parse_literal
from tst.benchmarks.values import is_blank, parse_list, plain_text

TEXT_KEYS = ("answer", "text", "value", "label", "raw_answer", "content")
COUNT_KEYS = ("count", "answer_count", "n", "votes", "frequency")
ALIAS_KEYS = ("aliases", "alternatives", "synonyms", "variants", "also_accepted")
MAX_COUNT = 100


def read_accepted(answer: Any) -> list[str]:
    """Accepted texts of an open question, repeats kept: ten annotators give ten entries.

    A cell is one text, a list of texts, of objects (``{"answer": "red", "count": 3}``) or of
    (text, count) pairs, an object of texts to counts, an object of a text and its aliases, or the
    text of a list.
    """
    # only a list of quoted texts or objects: [0, 1] is an interval
    if isinstance(answer, str) and re.match(r"\s*\[\s*['\"]", answer):
        answer = parse_list(answer) or parse_literal(answer) or answer
    elif isinstance(answer, str) and re.match(r"\s*\[\s*\{\s*['\"]", answer):
        answer = parse_literal(answer) or answer
    return [text for item in _items(answer) for text in _texts(item)]


def read_aliases(cell: Any) -> list[str]:
    """Other texts that are accepted for an answer: a list, or a text with ``|`` or ``;`` in it."""
    if isinstance(cell, str) and not cell.lstrip().startswith("["):
        return [text for text in map(str.strip, re.split(r"[|;]", cell)) if text]
    return [] if is_blank(cell) else read_accepted(cell)


def with_aliases(accepted: Sequence[str], aliases: Sequence[str]) -> list[str]:
    """Accepted texts and the aliases that are none of them, each once: a repeat would be a vote."""
    return [*accepted, *dict.fromkeys(text for text in aliases if text not in accepted)]


def _items(answer: Any) -> list[Any]:
    if isinstance(answer, Mapping):
        inner = next((answer[key] for key in TEXT_KEYS if key in answer), None)
        if isinstance(inner, list | tuple):
            return list(inner)  # {"text": [...], "answer_start": [...]}
        if inner is None and answer and all(_is_count(count) for count in answer.values()):
            return list(answer.items())
        aliases = [text for key in ALIAS_KEYS for text in read_aliases(answer.get(key))]
        return [answer] if inner is None or not aliases else with_aliases([inner], aliases)
    return list(answer) if isinstance(answer, list | tuple) else [answer]


def _texts(item: Any) -> list[str]:
    count = 1
    if isinstance(item, Mapping):
        counts = [item[key] for key in COUNT_KEYS if _is_count(item.get(key))]
        count = int(counts[0]) if counts else 1
        item = next((item[key] for key in TEXT_KEYS if key in item), item)
    elif isinstance(item, list | tuple) and len(item) == 2 and _is_count(item[1]):
        item, count = item[0], int(item[1])
    return [] if is_blank(item) else [plain_text(item)] * count


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_COUNT
