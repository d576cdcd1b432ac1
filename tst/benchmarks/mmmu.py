"""MMMU: what its columns alone do not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def read_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """The type is the subfield; a few questions have none."""
    return {"question_type": record["subfield"] or "Other"}
