"""Nested values written out in a text cell, as pandas writes lists and objects into a CSV."""

from __future__ import annotations

import json
import re
from typing import Any

from tst.benchmarks.values import MAX_LIST_ITEMS, MAX_LIST_TEXT, unescape

MAX_DEPTH = 8

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<bare>[+-]?(?:\d[\d.]*|\.\d+)(?:[eE][+-]?\d+)?|None|True|False|null|true|false|nan|NaN)"""
    r"""|(?P<open>(?:array\()?[\[{(])"""
    r"""|(?P<close>[\]})](?:,\s*dtype=[\w<.]+\s*\))?\)?)"""
    r"""|(?P<between>[,:]))""",
    re.DOTALL,
)
_WORDS = {"None": None, "null": None, "nan": None, "NaN": None, "True": True, "true": True,
          "False": False, "false": False}  # fmt: skip


class _NoLiteralError(ValueError):
    pass


def parse_literal(text: str) -> Any:
    """The list or object that a text writes in JSON, in Python, or as numpy prints it; else None.

    Numbers are kept as their text. Nothing is evaluated; more than ``MAX_DEPTH`` levels,
    ``MAX_LIST_ITEMS`` items in one or ``MAX_LIST_TEXT`` characters are refused.
    """
    text = text.strip()
    if len(text) > MAX_LIST_TEXT or not text or text[0] not in "[{" or text[-1] not in "]})":
        return None
    tokens = _split(text)
    if tokens is None:
        return None
    try:
        value, end = _parse(tokens, 0, 0)
    except (_NoLiteralError, IndexError):
        return None
    return value if end == len(tokens) else None


def _split(text: str) -> list[tuple[str, str]] | None:
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        tokens.append((str(match.lastgroup), match[match.lastgroup or 0]))
        position = match.end()
    return tokens


def _parse(tokens: list[tuple[str, str]], at: int, depth: int) -> tuple[Any, int]:
    """The value whose first token is ``at``, and the place behind it."""
    kind, token = tokens[at]
    if kind == "text":
        return _text_of(token), at + 1
    if kind == "bare":
        return _WORDS.get(token, token), at + 1
    if kind != "open" or depth == MAX_DEPTH:
        raise _NoLiteralError
    closing = {"[": "]", "{": "}", "(": ")"}[token[-1]]
    items: list[Any] = []
    keys: list[Any] = []
    at += 1
    while not (tokens[at][0] == "close" and tokens[at][1][0] == closing):
        item, at = _parse(tokens, at, depth + 1)
        if closing == "}":
            if tokens[at] != ("between", ":") or isinstance(item, list | dict):
                raise _NoLiteralError
            keys.append(item)
            item, at = _parse(tokens, at + 1, depth + 1)
        items.append(item)
        if len(items) > MAX_LIST_ITEMS:
            raise _NoLiteralError
        if tokens[at] == ("between", ","):
            at += 1
        elif closing == "}" and tokens[at][0] != "close":
            raise _NoLiteralError  # numpy leaves out the commas of lists alone
    value: Any = dict(zip(map(str, keys), items, strict=True)) if closing == "}" else items
    return value, at + 1


def _text_of(token: str) -> str:
    if token[0] == '"':
        try:
            return str(json.loads(token, strict=False))
        except ValueError:
            pass
    return unescape(token[1:-1])
