r"""Groups that a part of a column names: ``COLUMN~PATTERN``, as in ``file~vid_\d+``.

Twelve questions may share one video whose id is in the path of each question's clip.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tst.benchmarks.column_names import MEDIA_SUFFIXES
from tst.benchmarks.understanding.column_cells import group_key
from tst.benchmarks.values import plain_text
from tst.core.errors import UserError

MARK = "~"
USUAL_PARTS = {
    ".*/": "folder",
    ".*(?=[_-])": "name up to the last _ or -",
    ".*(?=[_-].*[_-])": "name up to the last but one _ or -",
}
"""Patterns of what questions on one video or image often share in the paths of their files."""
FEWEST_GROUPS = 10
MOST_OF_ROWS = 0.5


def column_of(named: str) -> str:
    """The column of ``COLUMN~PATTERN``, or of a column alone."""
    return named.partition(MARK)[0].strip()


def read_patterns(groups: Any) -> dict[str, re.Pattern[str]]:
    """The patterns of ``benchmark.columns.groups``, by the name of their group.

    Raises UserError for one that is no regular expression.
    """
    patterns = {}
    for name, named in groups.items() if isinstance(groups, Mapping) else ():
        _, mark, pattern = str(named).partition(MARK)
        if not mark:
            continue
        try:
            patterns[str(name)] = re.compile(pattern.strip())
        except re.error as error:
            raise UserError(
                f"benchmark.columns.groups.{name}={named}: expected COLUMN{MARK}PATTERN with a "
                f"regular expression; {pattern.strip()} is none ({error})."
            ) from error
    return patterns


def read_group(cell: Any, pattern: re.Pattern[str] | None) -> str | None:
    """What a question shares with others of its group; None where the pattern is not in the cell.

    Where the pattern has a part in round brackets, that part.
    """
    if pattern is None:
        return group_key(cell)
    found = pattern.search(plain_text(cell))
    return (found and group_key(found[1] if pattern.groups else found[0])) or None


def kind_of_media(cells: Sequence[Any]) -> str:
    """Whether all of a column's cells are paths of videos, or of images; empty for neither."""
    endings = {plain_text(cell).rpartition(".")[2].casefold() for cell in cells}
    kinds = [kind for kind, suffixes in MEDIA_SUFFIXES.items() if endings <= suffixes]
    return kinds[0] if cells and kinds else ""


def advise_part(column: str, cells: Sequence[Any], kind: str) -> str:
    """How to name what recurs in the paths of a column, each of which stands once; else empty.

    kind: what the paths are of: ``video`` or ``image``
    """
    for pattern, what in USUAL_PARTS.items():
        compiled = re.compile(pattern)
        parts = Counter(read_group(cell, compiled) for cell in cells)
        if None not in parts and FEWEST_GROUPS <= len(parts) <= MOST_OF_ROWS * len(cells):
            return (
                f"No groups are known, but paths in {column} have the same {what} for up to "
                f"{max(parts.values())} questions ({len(parts)} in all). If such questions share a "
                f"{kind}, add 'benchmark.columns.groups={{{kind}: {column}{MARK}{pattern}}}', so "
                "that grouped folds can keep them together; if not, "
                "'benchmark.columns.groups={}' says so."
            )
    return ""
