"""The one exception that a user's mistake ends in."""


class UserError(Exception):
    """Something the user can mend: printed as one message, without a traceback, exit code 2.

    The message says what was passed, what was expected, and the fix.
    """
