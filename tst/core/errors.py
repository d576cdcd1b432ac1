"""The one exception that a user's mistake ends in."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Something the user can mend: printed as one message, without a traceback, exit code 2.

    The message says what was passed, what was expected, and the fix.
    settings: what to add to the command line, where that mends it
    """

    def __init__(self, message: str = "", settings: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.settings = tuple(settings)
