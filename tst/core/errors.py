"""The one exception that a user's mistake ends in, and values as its messages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class UserError(Exception):
    """Something the user can mend: printed as one message, without a traceback, exit code 2.

    The message says what was passed, what was expected, and the fix.
    settings: what to add to the command line, where that mends it
    """

    def __init__(self, message: str = "", settings: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.settings = tuple(settings)


class ComputingError(UserError):
    """A UserError that shows only while something is computed, as where memory is out.

    The record of what was computed stays, as failed; that of any other UserError leaves nothing.
    """


def brief(value: Any, width: int = 60) -> str:
    """The beginning of a value for a message, whatever its size; a text keeps both its quotes."""
    if isinstance(value, str):
        return repr(value if len(value) <= width else f"{value[: width - 1]}…")
    return f"{value!r:.{width}}"
