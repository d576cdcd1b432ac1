"""What names a record: a short hash of all that can change a number in it.

A record keeps its identity in identity.json, so that a later reader needs neither the settings'
classes nor, for a diagnostic of a user's own, the class itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tst.records.files import read_json

RESULTS_VERSION = 4
"""Raised by hand when the same config and questions give other numbers."""

IDENTITY = "identity.json"
AUTO = "auto"


@dataclass(frozen=True)
class Identity:
    """All that can change a number in a record.

    leaves: settings by dotted path: numbers, texts, lists, None
    fingerprint: of the data that they are applied to
    version: of what is computed from both, raised by hand
    """

    leaves: dict[str, Any]
    fingerprint: str
    version: int

    @property
    def hash(self) -> str:
        """12 hex digits that name the record."""
        text = json.dumps([self.leaves, self.fingerprint, self.version], sort_keys=True)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def read_identity(folder: Path) -> Identity:
    """identity.json of a record. Raises OSError, ValueError or TypeError where it is none."""
    return Identity(**read_json(folder / IDENTITY))


def find_joinable(folder: Path, identity: Identity, asked: dict[str, Any]) -> list[str]:
    """Records that a rerun would join but for what ``auto`` means here, each in a sentence.

    folder: of the record with this identity; the others lie beside it
    asked: the config as nested dicts before ``auto`` was resolved
    """
    given = flatten(asked)
    resolved = [p for p, v in identity.leaves.items() if v != AUTO and given.get(p) == AUTO]
    sentences = []
    for path in sorted(folder.parent.glob(f"*/{IDENTITY}")):
        try:
            other = read_identity(path.parent)
        except (OSError, ValueError, TypeError):
            continue
        if (other.fingerprint, other.version) != (identity.fingerprint, identity.version):
            continue
        ours, theirs = identity.leaves, other.leaves
        differing = [p for p in sorted(ours | theirs) if ours.get(p) != theirs.get(p)]
        if differing and set(resolved).issuperset(differing):
            here = ", ".join(f"{p}={ours[p]}" for p in differing)
            overrides = " ".join(f"{p}={theirs[p]}" for p in differing)
            sentences.append(
                f"{path.parent} differs only in what auto means (here {here}): {overrides} joins it"
            )
    return sentences


def select_leaves(
    plain: dict[str, Any], included: Iterable[str], excluded: Iterable[str]
) -> dict[str, Any]:
    """The settings that can change a number, by dotted path.

    plain: a resolved config as nested dicts
    included, excluded: dotted paths of fields or groups of them; the longest that matches decides
    """
    included, excluded = list(included), list(excluded)

    def counts(path: str) -> bool:
        longest = (
            max((len(p) for p in listed if matches(path, p)), default=-1)
            for listed in (included, excluded)
        )
        return next(longest) > next(longest)

    return {path: value for path, value in flatten(plain).items() if counts(path)}


def matches(path: str, prefix: str) -> bool:
    """Whether a dotted path is a prefix or lies below it."""
    return path == prefix or path.startswith(f"{prefix}.")


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Leaves of nested dicts by dotted path; lists and empty dicts are leaves."""
    if isinstance(value, dict) and value:
        parts = (flatten(v, f"{path}.{k}" if path else str(k)) for k, v in value.items())
        return {k: v for part in parts for k, v in part.items()}
    return {path: value}
