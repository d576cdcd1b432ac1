"""Ranges of settings: what a field expects, and the walk that checks it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tst.core.errors import UserError
from tst.core.ranges import (
    bounded,
    existing_folder,
    expecting,
    find_range_problems,
    one_of,
    require_in_range,
    show_value,
)


def make_settings():
    """Classes as settings have them, made anew for every test."""

    @dataclass
    class Inner:
        rate: float = bounded(0.1, at_least=0, below=1, note="a fraction")
        names: list[str] = one_of(["a"], ("a", "b"))

    @dataclass
    class Outer:
        count: int = bounded(2, at_least=1)
        limit: int | None = bounded(None, at_most=9)
        steps: Any = bounded("auto", above=0, auto=True)
        mode: str = one_of("x", ("x", "y"))
        record: str | None = expecting(None, "a folder", lambda value: value is not None)
        folder: str | None = existing_folder(".")
        source: str | None = existing_folder(None)
        inner: Inner = field(default_factory=Inner)
        others: dict[str, Any] = field(default_factory=dict)
        free: int = -5

    @dataclass
    class Child(Inner):
        rate: float = 0.5

    return Outer, Inner, Child


def settings_with(tmp_path, path: str = "", value: Any = None):
    """Good settings, one of them changed."""
    outer, _, child = make_settings()
    settings = outer(record="here", folder=str(tmp_path), others={"rf": child(), "n": 7})
    *parts, name = path.split(".")
    owner = settings
    for part in parts:
        owner = owner[part] if isinstance(owner, dict) else getattr(owner, part)
    if path:
        setattr(owner, name, value)
    return settings


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("count", 0, "count=0: expected at least 1."),
        ("count", float("nan"), "count=nan: expected at least 1."),
        ("count", None, "count is not given: expected at least 1."),
        ("count", True, "count=true: expected at least 1."),
        ("count", "3", "count=3: expected at least 1."),
        ("count", "auto", "count=auto: expected at least 1."),
        ("limit", 10, "limit=10: expected at most 9."),
        ("steps", 0, "steps=0: expected above 0, or auto."),
        ("steps", 1.5, "steps=1.5: expected above 0, or auto."),
        ("steps", "many", "steps=many: expected above 0, or auto."),
        ("steps", None, "steps is not given: expected above 0, or auto."),
        ("mode", "z", "mode=z: expected one of x, y."),
        ("record", None, "record is not given: expected a folder."),
        ("folder", "/no/such", "folder=/no/such: expected an existing folder."),
        ("folder", None, "folder is not given: expected an existing folder."),
        ("source", "/no/such", "source=/no/such: expected an existing folder."),
        ("inner.rate", 1.0, "inner.rate=1.0: expected at least 0 and below 1 (a fraction)."),
        ("inner.names", ["a", "c"], "inner.names=['a', 'c']: expected some of a, b."),
        ("others.rf.rate", -1, "others.rf.rate=-1: expected at least 0 and below 1 (a fraction)."),
    ],
)
def test_a_value_out_of_range_is_named_with_what_is_expected(tmp_path, path, value, problem):
    settings = settings_with(tmp_path, path, value)
    assert find_range_problems(settings) == [problem]
    assert find_range_problems(settings, "part") == [f"part.{problem}"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("", None),
        ("count", 1),
        ("limit", 9),
        ("limit", None),
        ("limit", -3.5),
        ("steps", 1),
        ("steps", "auto"),
        ("mode", "y"),
        ("source", None),
        ("inner.rate", 0),
        ("inner.rate", 0.999),
        ("inner.names", []),
        ("inner.names", ["b", "a"]),
        ("free", "anything"),
    ],
)
def test_a_value_in_range_is_taken(tmp_path, path, value):
    assert require_in_range(settings_with(tmp_path, path, value)) is None


def test_all_problems_are_one_error(tmp_path):
    settings = settings_with(tmp_path, "count", 0)
    settings.mode, settings.inner.rate = "z", 2
    with pytest.raises(UserError) as raised:
        require_in_range(settings, "part")
    assert str(raised.value) == (
        "part.count=0: expected at least 1.\n"
        "part.mode=z: expected one of x, y.\n"
        "part.inner.rate=2: expected at least 0 and below 1 (a fraction)."
    )


def test_defaults_are_those_that_were_given():
    outer, inner, child = make_settings()
    made = outer()
    assert (made.count, made.limit, made.steps, made.mode) == (2, None, "auto", "x")
    assert (made.record, made.folder, made.source) == (None, ".", None)
    assert (inner().rate, inner().names, child().rate, child().names) == (0.1, ["a"], 0.5, ["a"])


def test_a_default_list_is_not_shared():
    _, inner, _ = make_settings()
    inner().names.append("b")
    assert inner().names == ["a"]


def test_values_are_shown_as_yaml_has_them():
    assert [show_value(v) for v in (True, False, 3, 0.5, "Text")] == [
        "true", "false", "3", "0.5", "Text"
    ]  # fmt: skip
