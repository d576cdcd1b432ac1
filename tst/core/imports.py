"""Objects that a user names in a YAML by their dotted path."""

from __future__ import annotations

import importlib
from typing import Any

from tst.core.errors import UserError


def import_object(dotted: str, setting: str, expected: str) -> Any:
    """The object at ``package.module.name``.

    setting: what named it, for the message; expected: what it should be
    Raises UserError when there is none.
    """
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise UserError(
            f"{setting}={dotted}: cannot be imported ({error}); expected {expected}. Its module is "
            "looked for on PYTHONPATH, in the folder that python -m is run from, and in the folder "
            "of --config-dir."
        ) from error
