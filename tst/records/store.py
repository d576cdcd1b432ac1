"""What diagnostics keep between folds and runs: frames by content key, adapters by fold."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from tst.records.files import set_aside, write_parquet

log = logging.getLogger(__name__)


class FolderStore:
    """A ``diagnostic.Store`` in two folders: a cache for all runs, and a record's adapters."""

    def __init__(self, cache: Path, adapters: Path) -> None:
        self.cache = cache
        self.adapters = adapters

    @classmethod
    def under(cls, outputs_root: str | Path, record: Path | None = None) -> FolderStore:
        """The store of a run; adapters go to its record, where there is one."""
        root = Path(outputs_root)
        return cls(root / "cache", (record or root) / "adapters")

    def get(self, kind: str, key: str) -> pd.DataFrame | None:
        path = self._path(kind, key)
        if not path.exists():
            return None
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            set_aside(path, log.warning, f"unreadable ({error})")
            return None

    def put(self, kind: str, key: str, frame: pd.DataFrame) -> None:
        write_parquet(self._path(kind, key), frame)

    def _path(self, kind: str, key: str) -> Path:
        return self.cache / kind / f"{key}.parquet"

    @contextmanager
    def adapter_folder(self, repeat: int, fold: int, part: str = "") -> Iterator[Path]:
        final = self.adapters / f"{repeat}-{fold}" / part
        temporary = self.adapters / f".{repeat}-{fold}.{uuid.uuid4().hex[:8]}.tmp"
        temporary.mkdir(parents=True)
        try:
            yield temporary
            if final.exists():
                shutil.rmtree(final)
            final.parent.mkdir(exist_ok=True)
            temporary.rename(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
