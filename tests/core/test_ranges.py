"""Ranges of settings: what a field expects, and the walk that checks it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tst.core.errors import UserError
from tst.core.ranges import bounded, expecting, find_range_problems, one_of, require_in_range


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
    inner: Inner = field(default_factory=Inner)
    others: dict[str, Any] = field(default_factory=dict)
    free: int = -5


@dataclass
class Child(Inner):
    rate: float = 0.5


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"count": 0}, "count=0: expected at least 1."),
        ({"count": float("nan")}, "count=nan: expected at least 1."),
        ({"count": None}, "count is not given: expected at least 1."),
        ({"count": True}, "count=true: expected at least 1."),
        ({"limit": 10}, "limit=10: expected at most 9."),
        ({"steps": 0}, "steps=0: expected above 0, or auto."),
        ({"steps": 1.5}, "steps=1.5: expected above 0, or auto."),
        ({"steps": "many"}, "steps=many: expected above 0, or auto."),
        ({"mode": "z"}, "mode=z: expected one of x, y."),
        ({"record": None}, "record is not given: expected a folder."),
        (
            {"inner": Inner(rate=1.0)},
            "inner.rate=1.0: expected at least 0 and below 1 (a fraction).",
        ),
        ({"inner": Inner(names=["a", "c"])}, "inner.names=['a', 'c']: expected some of a, b."),
        (
            {"others": {"rf": Inner(rate=-1)}},
            "others.rf.rate=-1: expected at least 0 and below 1 (a fraction).",
        ),
    ],
)
def test_a_value_out_of_range_is_named_with_what_is_expected(changed, problem):
    settings = Outer(**{"record": "here", **changed})
    assert find_range_problems(settings) == [problem]
    assert find_range_problems(settings, "part") == [f"part.{problem}"]


@pytest.mark.parametrize(
    "changed",
    [{}, {"limit": 9}, {"limit": None}, {"steps": 3}, {"mode": "y"}, {"inner": Inner(rate=0)}],
)
def test_a_value_in_range_is_taken(changed):
    require_in_range(Outer(**{"record": "here", **changed}))


def test_all_problems_are_one_error():
    with pytest.raises(UserError, match=r"(?s)count=0.*mode=z.*inner\.rate=2"):
        require_in_range(Outer(count=0, mode="z", record="here", inner=Inner(rate=2)))


def test_a_child_with_another_default_keeps_its_parents_range():
    assert find_range_problems(Child()) == []
    assert find_range_problems(Child(rate=2)) != []


def test_a_default_list_is_not_shared():
    Inner().names.append("b")
    assert Inner().names == ["a"]
