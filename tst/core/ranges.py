"""Which values a setting may take: stated on its dataclass field, checked by one walk.

    k: int = bounded(5, at_least=2)
    mode: str = one_of("auto", ("auto", "online", "offline"))

Rules over several fields are no ranges: they are functions beside the settings they are about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from tst.core.errors import UserError

_KEY = "expectation"


@dataclass(frozen=True)
class Expectation:
    """What a value must be.

    words: stand behind "expected " in the message
    admits: whether a value is that
    """

    words: str
    admits: Callable[[Any], bool]


def expecting(default: Any, words: str, admits: Callable[[Any], bool]) -> Any:
    """A dataclass field with an expectation; a list as default is copied for each instance."""
    metadata = {_KEY: Expectation(words, admits)}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def bounded(
    default: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    auto: bool = False,
    note: str = "",
) -> Any:
    """A field that holds a number within bounds; NaN is never within.

    auto: the word ``auto`` is admitted too, and of numbers only integers
    note: what the number is, or why it has these bounds; closes the message
    None is admitted where it is the default.
    """
    bounds: list[tuple[str, float | None, Callable[[float, float], bool]]] = [
        ("at least", at_least, lambda value, bound: value >= bound),
        ("above", above, lambda value, bound: value > bound),
        ("at most", at_most, lambda value, bound: value <= bound),
        ("below", below, lambda value, bound: value < bound),
    ]
    given = [(words, bound, holds) for words, bound, holds in bounds if bound is not None]
    kinds = (int,) if auto else (int, float)

    def admits(value: Any) -> bool:
        if value is None or value == "auto":
            return default is None if value is None else auto
        if isinstance(value, bool) or not isinstance(value, kinds):
            return False
        return all(holds(value, bound) for _, bound, holds in given)

    words = " and ".join(f"{words} {bound:g}" for words, bound, _ in given)
    words += ", or auto" * auto + f" ({note})" * bool(note)
    return expecting(default, words, admits)


def one_of(default: Any, known: Sequence[str]) -> Any:
    """A field that holds one of the known words, or, where the default is a list, some of them."""
    listed = ", ".join(known)
    if isinstance(default, list):
        return expecting(default, f"some of {listed}", lambda value: set(value) <= set(known))
    return expecting(default, f"one of {listed}", lambda value: value in known)


def existing_folder(default: str | None) -> Any:
    """A field that holds the path of a folder that is there; None is admitted as default."""
    return expecting(
        default,
        "an existing folder",
        lambda path: Path(path).is_dir() if path is not None else default is None,
    )


def find_range_problems(settings: Any, key: str = "") -> list[str]:
    """Every value of a dataclass, and of those in it, that is not what its field expects.

    key: where the settings stand in the config, as in ``fold`` for ``fold.k``
    A subclass that gives a field another default keeps what its parent expects.
    """
    problems = []
    for path, value, expectation in _walk(settings, key):
        if expectation is not None and not expectation.admits(value):
            shown = f"{path} is not given" if value is None else f"{path}={show_value(value)}"
            problems.append(f"{shown}: expected {expectation.words}.")
    return problems


def require_in_range(settings: Any, key: str = "") -> None:
    """Raise one UserError that names every value that is not what its field expects."""
    if problems := find_range_problems(settings, key):
        raise UserError("\n".join(problems))


def show_value(value: Any) -> str:
    """A value as YAML and the command line write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _walk(settings: Any, key: str) -> Iterator[tuple[str, Any, Expectation | None]]:
    """(path, value, expectation) of every field, depth first."""
    for each in fields(settings):
        path = f"{key}.{each.name}" if key else each.name
        value = getattr(settings, each.name)
        yield path, value, _find_expectation(type(settings), each.name)
        named = value.items() if isinstance(value, dict) else [("", value)]
        for name, inner in named:
            if is_dataclass(inner):
                yield from _walk(inner, f"{path}.{name}" if name else path)


def _find_expectation(owner: type, name: str) -> Expectation | None:
    for each in owner.__mro__:
        if is_dataclass(each):
            declared = {f.name: f for f in fields(each)}
            if name in declared and _KEY in declared[name].metadata:
                return declared[name].metadata[_KEY]
    return None
