"""MMStar: what its columns alone do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tst.benchmarks.lettered import split_question


def read_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """The options stand inside the question's text."""
    parts = split_question(record["question"])
    if parts is None:
        return {"problem": "no options found in the question's text"}
    return {"question": parts[0], "options": parts[1].texts}
