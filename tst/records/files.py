"""Files that are whole or absent: written to a temporary name, flushed, renamed; with checksums."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling to write to; it takes the place of ``path`` when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogatepass")


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically; NaN and infinities become null, so that any reader can parse it."""
    write_text(path, json.dumps(as_plain(value), indent=2, ensure_ascii=False) + "\n")


def as_plain(value: Any) -> Any:
    """Nested values in JSON's own types: keys are texts, NaN and infinities null."""
    if isinstance(value, dict):
        return {str(k): as_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def read_json(path: Path) -> Any:
    """Parse a JSON file; ValueError or OSError when that cannot be done."""
    return json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))


def write_parquet(path: Path, frame: pd.DataFrame) -> None:
    """Write a parquet file atomically."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False)


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a CSV file atomically."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, errors="replace")


def checksum(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(path: Path, warn: Callable[[str], None], why: str) -> None:
    """Rename a damaged file out of the way, so that it is neither read nor lost."""
    if path.exists():
        kept = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        path.replace(kept)
        warn(f"{path}: {why}; set aside as {kept.name} and computed again")
