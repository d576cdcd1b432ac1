"""Which weights a model's name stands for: a folder or branch can change under the same name."""

from __future__ import annotations

import hashlib
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from transformers import PretrainedConfig

from tst.diagnostics.llm.settings import ModelSettings

WEIGHT_FILES = ("*.safetensors", "*.bin", "*.gguf")
SMALL_FILES = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.py", "*.jinja", "*/*.jinja")
"""Configurations, tokenizers, chat templates and a model's own code."""
PIECE_BYTES = 65536
PIECES = 256


def identify_weights(settings: ModelSettings, config: PretrainedConfig) -> str:
    """``name@revision``: a hub model's commit, a local folder's digest, else what was asked for."""
    folder = Path(settings.name)
    commit = getattr(config, "_commit_hash", None)
    asked = settings.revision or "main"
    revision = _digest(folder) if folder.is_dir() else commit or asked
    return f"{settings.name}@{revision}"


def digest_weights(source: str, revision: str | None = None) -> str:
    """12 hex digits over samples of the weight files alone: a copy elsewhere has the same.

    source: a folder, or the hub id of a model that is in the local cache
    Empty where no weight file is on this machine.
    """
    folder = Path(source)
    if not folder.is_dir():
        kept = try_to_load_from_cache(source, "config.json", revision=revision)
        if not isinstance(kept, str):
            return ""
        folder = Path(kept).parent
    digest = hashlib.blake2b(digest_size=6)
    if not _files(folder, WEIGHT_FILES):
        return ""
    _add_weights(digest, folder)
    return digest.hexdigest()


def _digest(folder: Path) -> str:
    """12 hex digits over the small files, whole, and samples of the weights."""
    digest = hashlib.blake2b(digest_size=6)
    for path in _files(folder, SMALL_FILES):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}:{len(content)}:".encode())
        digest.update(content)
    _add_weights(digest, folder)
    return digest.hexdigest()


def _add_weights(digest: hashlib.blake2b, folder: Path) -> None:
    """Add samples of a folder's weight files to a digest.

    Of each weight file it reads the size and PIECES evenly spread pieces, the beginning and the
    end among them: all of a file of up to 16 MiB, 16 MiB of a larger one (seconds for 15 GB). It
    sees what changes all weights or whole matrices, as training does, but not a change that lies
    between two pieces: a few numbers edited by hand, or one small matrix of a large file.
    """
    for path in _files(folder, WEIGHT_FILES):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}:".encode())
        last = max(0, size - PIECE_BYTES)
        with path.open("rb") as file:
            for start in sorted({last * i // (PIECES - 1) for i in range(PIECES)}):
                file.seek(start)
                digest.update(file.read(PIECE_BYTES))


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted(p for pattern in patterns for p in folder.glob(pattern) if p.is_file())
