"""What the record of a file is called."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from tst.benchmarks.settings import HubSettings

TABLE = "table"
"""The name of a benchmark that says nothing of itself: it is named after its file."""

PLAIN_STEMS = (
    "test", "testing", "val", "valid", "validation", "train", "training", "dev", "data", "dataset",
    "questions", "question", "annotations", "benchmark", "index",
)  # fmt: skip
"""Stems that name no benchmark: the folder's name goes in front."""

_SHARD = re.compile(r"[-_.]?\d+([-_]of[-_]\d+)?$")


def name_after(path: Any, hub: HubSettings, built_in: Collection[str]) -> str:
    """A benchmark's name from its file, files or hub dataset; ``table`` where there is none.

    built_in: names that a file must not take, so that it never joins their records
    """
    if path is None:
        name = hub.repo.rpartition("/")[2] or TABLE
    elif isinstance(path, str | Path):
        name = _stem(Path(path))
    else:
        name = _common_stem([Path(p) for p in path])
    return f"{name}_file" if name in built_in and name != TABLE else name


def _stem(path: Path) -> str:
    name = re.sub(r"[*?\[\]]+", "", path.name.removesuffix(".gz"))
    stem = Path(name).stem.strip("-_. ") or path.parent.name
    whole = _SHARD.sub("", stem)
    if whole.lower() in PLAIN_STEMS and path.absolute().parent.name:
        return f"{path.absolute().parent.name}_{whole}"
    return stem or TABLE


def _common_stem(paths: Sequence[Path]) -> str:
    """What the names of several files begin with, else their folder's name."""
    stems = [_stem(path) for path in paths]
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*stems, strict=False))
    common = "".join(letters[0] for letters in alike).rstrip("-_. 0123456789")
    return common if len(common) > 2 else paths[0].absolute().parent.name if paths else TABLE
