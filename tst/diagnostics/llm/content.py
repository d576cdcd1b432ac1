"""Which weights a model's name stands for: names stay when folders and branches move on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from transformers import PretrainedConfig

from tst.diagnostics.llm.settings import ModelSettings

WEIGHTS = ("*.safetensors", "*.bin", "*.gguf")
READ = 65536


def content_name(settings: ModelSettings, config: PretrainedConfig) -> str:
    """``name@revision``: a hub model's commit, a local folder's digest, else what was asked for."""
    folder = Path(settings.name)
    commit = getattr(config, "_commit_hash", None)
    asked = settings.revision or "main"
    revision = _digest(folder) if folder.is_dir() else commit or asked
    return f"{settings.name}@{revision}"


def _digest(folder: Path) -> str:
    """12 hex digits over config.json and each weight file's name, size, beginning and end."""
    digest = hashlib.blake2b((folder / "config.json").read_bytes(), digest_size=6)
    for path in sorted(p for pattern in WEIGHTS for p in folder.glob(pattern)):
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(READ))
            file.seek(max(0, size - READ))
            digest.update(file.read(READ))
    return digest.hexdigest()
