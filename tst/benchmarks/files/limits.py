"""What a source may be at most: beyond it, one message instead of a machine out of memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tst.core.errors import UserError

MAX_BYTES = 4 * 2**30
MAX_CELLS = 100_000_000
MAX_SHOWN = 40


def check_bytes(size: int, name: str) -> None:
    """Raises UserError for more text than ``MAX_BYTES``."""
    if size > MAX_BYTES:
        raise UserError(
            f"{name}: {size / 2**30:.1f} GiB of text, more than the {MAX_BYTES / 2**30:.0f} GiB "
            "that are read; leave out columns that make no question (pictures?)."
        )


def check_cells(count: int, name: str) -> None:
    """Raises UserError for more cells (rows times columns) than ``MAX_CELLS``."""
    if count > MAX_CELLS:
        raise UserError(
            f"{name}: more than {MAX_CELLS:,} cells (rows times columns); leave out columns that "
            "make no question."
        )


def check_names(names: Sequence[str], name: str) -> None:
    """Raises UserError for two columns of one name, which would silently be one."""
    twice = [column for column, count in Counter(names).items() if count > 1 and column]
    if twice:
        raise UserError(f"{name}: more than one column is named {list_names(twice)}.")


def list_names(names: Sequence[str]) -> str:
    """Columns for a message, which stays readable when a source has thousands of them."""
    shown = ", ".join(f"{name:.60}" for name in names[:MAX_SHOWN])
    more = len(names) - MAX_SHOWN
    return f"{shown} ... and {more} more" if more > 0 else shown
