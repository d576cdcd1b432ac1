"""Options: from a cell or several to a list of plain texts, without letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tst.benchmarks.lettered import Lettered, split_lettered
from tst.benchmarks.literals import parse_literal
from tst.benchmarks.marks import LETTERS
from tst.benchmarks.values import is_blank, parse_list, plain_text
from tst.core.errors import brief

TEXT_KEYS = ("text", "option", "choice", "value", "content", "answer", "label_text", "name")
"""Keys under which an option that is an object may have its text."""

LABEL_KEYS = ("label", "key", "letter", "id", "option_id", "choice_id", "index")
RIGHT_KEYS = ("correct", "is_correct", "iscorrect", "right", "is_answer")


@dataclass
class Options:
    """Options as a cell writes them, in source order, letters still on.

    labels: what the gold may call each by (keys of an object, ``label`` fields), where the cell
        gives any
    right: index of the one that the cell marks as right (one-hot labels, ``is_correct``)
    """

    texts: list[str]
    labels: list[str] | None = None
    right: int | None = None


def read_options(cell: Any, separator: str | None = None) -> Options | None:
    """The options of a cell; None where it is blank.

    A cell is a list (of texts, or of objects like ``{"text", "label"}``), an object of labels to
    texts, an object of lists (``{"text": [...], "label": [...]}``, ``{"choices", "labels"}``), or
    text: of a JSON or Python list, lettered (``A. x  B. y``), or with a separator. Trailing blanks
    are dropped. Raises ValueError with the reason for text that is none of these and for a blank
    between options.
    """
    if is_blank(cell):
        return None
    if isinstance(cell, str):
        cell = _split_text(cell, separator)
        if isinstance(cell, Lettered):
            return _plain(cell.texts, cell.marks)
    if isinstance(cell, Mapping):
        return _of_mapping(cell)
    if isinstance(cell, bytes) or not isinstance(cell, Iterable):
        raise ValueError(f"options {brief(cell)} are no list")
    items = list(cell)
    if items and all(isinstance(item, Mapping) for item in items):
        return _of_objects(items)
    return _plain(items)


def _plain(
    items: Sequence[Any], labels: Sequence[Any] | None = None, right: int | None = None
) -> Options | None:
    for number, option in enumerate(items, start=1):
        if isinstance(option, Mapping | list | tuple):
            raise ValueError(f"option {number} of {len(items)} is not text but {brief(option)}")
    texts = [plain_text(o) for o in items]
    while texts and not texts[-1]:
        texts.pop()
    if "" in texts:
        raise ValueError(f"option {texts.index('') + 1} of {len(texts)} is blank")
    if not texts:
        return None
    named = [plain_text(label) for label in labels[: len(texts)]] if labels is not None else None
    if named is not None and (len(named) != len(texts) or len(set(named)) != len(named)):
        named = None
    return Options(texts, named, right)


def _of_mapping(cell: Mapping[Any, Any]) -> Options | None:
    """Labels to texts, in the letters' order, else in the cell's own; or lists side by side."""
    lists = {str(key).lower(): value for key, value in cell.items() if _is_list(value)}
    if len(lists) == len(cell) and lists:
        texts = next((lists[k] for k in ("choices", "options", *TEXT_KEYS) if k in lists), None)
        if texts is not None:
            labels = next((lists[k] for k in ("labels", *LABEL_KEYS) if k in lists), None)
            if labels is None:
                return _plain(list(texts))
            fits = "labels" in lists and len(labels) == len(texts)
            return _plain(list(texts), list(labels), _one_hot(labels) if fits else None)
    keys = [str(key).strip() for key in cell]
    values = list(cell.values())
    if len(keys) > 1 and all(len(key) > 1 for key in keys) and _one_hot(values) is not None:
        return _plain(keys, None, _one_hot(values))  # text to 1 or 0
    if all(len(key) == 1 and key.upper() in LETTERS for key in keys):
        order = sorted(range(len(keys)), key=lambda i: keys[i].upper())
        keys, values = [keys[i] for i in order], [values[i] for i in order]
    return _plain(values, keys)


def _of_objects(items: Sequence[Mapping[str, Any]]) -> Options | None:
    """Objects like ``{"text", "label"}``, in the cell's own order."""
    names = {str(key).lower(): str(key) for key in items[0]}
    text = next((names[k] for k in TEXT_KEYS if k in names), None)
    if text is None:
        raise ValueError(f"option 1 of {len(items)} is not text but {brief(dict(items[0]))}")
    label = next((names[k] for k in LABEL_KEYS if k in names and names[k] != text), None)
    flag = next((names[k] for k in RIGHT_KEYS if k in names), None)
    labels = None if label is None else [item.get(label) for item in items]
    flags = None if flag is None else [item.get(flag) for item in items]
    return _plain(
        [item.get(text) for item in items], labels, None if flags is None else _one_hot(flags)
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _one_hot(flags: Iterable[Any]) -> int | None:
    """Where the one 1 among zeros is; None where they are anything else."""
    texts = [plain_text(flag) for flag in flags]
    ones = [text in ("1", "1.0", "True", "true") for text in texts]
    zeros = [text in ("0", "0.0", "False", "false", "") for text in texts]
    return ones.index(True) if sum(ones) == 1 and sum(zeros) == len(texts) - 1 else None


def _split_text(text: str, separator: str | None) -> Sequence[Any] | Mapping[str, Any] | Lettered:
    """The options in a text; raises ValueError where no form fits."""
    if separator:
        return text.split(separator)
    if (items := parse_list(text)) is not None:
        return items
    value = parse_literal(text)
    if isinstance(value, Mapping) or (isinstance(value, list) and value):
        return value
    if lettered := split_lettered(text, numbered=True):
        return lettered
    raise ValueError(
        f"options {brief(text)} are no list; if something stands between them, "
        "set benchmark.options_separator"
    )
