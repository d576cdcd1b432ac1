"""VSI-Bench: what its columns alone do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def read_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """Questions without options are numeric, whatever their gold answer looks like."""
    return {"format": "num" if record["options"] is None else "mc"}
