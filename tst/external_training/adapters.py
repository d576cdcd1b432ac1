"""LoRA adapters of other trainers: where they lie, what they are, whether they fit the base.

Only safetensors, JSON and YAML files are opened. A pickle (adapter_model.bin, training_args.bin)
can run code, so none is ever loaded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors import SafetensorError, safe_open
from torch import nn

from tst.core.diagnostic import Fold
from tst.core.errors import UserError
from tst.diagnostics.llm.model.adapters import WEIGHTS
from tst.external_training.trainer_settings import fold_name
from tst.records.files import checksum, read_json

CONFIG = "adapter_config.json"
PICKLE = "adapter_model.bin"
TRAINER_STATE, RESULTS = "trainer_state.json", "all_results.json"
_FOLD = re.compile(r"(?:fold[-_]?)?(?:(\d+)[-_])?(\d+)")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_TENSOR = re.compile(
    r"(?:base_model\.model\.)?(?P<layer>.+)\.lora_(?P<part>A|B|magnitude_vector)(?:\.weight)?"
)


@dataclass(frozen=True)
class Adapter:
    """One fold's adapter.

    folder: has its weights and adapter_config.json; about: that file
    """

    folder: Path
    about: dict[str, Any]

    @property
    def trained_in(self) -> Path:
        """The folder of the training: above a checkpoint, else the adapter's own."""
        return self.folder.parent if _CHECKPOINT.fullmatch(self.folder.name) else self.folder


def adapters_root(folder: Path) -> Path:
    """The folder that holds one folder per fold: ``adapters`` of an export, or what is given."""
    return folder / "adapters" if (folder / "adapters").is_dir() else folder


def find_adapters(root: Path, wanted: Iterable[Fold]) -> dict[Fold, Adapter]:
    """The adapters of the wanted folds; those that are missing are left out.

    A fold's folder is called ``<repeat>-<fold>``, ``<fold>`` or ``fold<fold>``. It has the adapter
    itself, or checkpoints, of which the last counts. Raises UserError for two folders of one fold,
    for a pickle, and for an adapter that cannot be read or is no plain LoRA.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; expected one with a folder per fold.")
    folders: dict[Fold, Path] = {}
    for path in sorted(p for p in root.iterdir() if p.is_dir()):
        if match := _FOLD.fullmatch(path.name):
            fold = int(match[1] or 0), int(match[2])
            if fold in folders:
                raise UserError(
                    f"{root}: {folders[fold].name} and {path.name} are both fold "
                    f"{fold_name(fold)}; keep one of them."
                )
            folders[fold] = path
    found = {}
    for fold in wanted:
        if fold in folders and (folder := _with_weights(folders[fold])):
            found[fold] = Adapter(folder, _read_config(folder))
    return found


def _with_weights(folder: Path) -> Path | None:
    """The folder itself, else its last checkpoint with an adapter; None where none has one."""
    numbered = [(int(m[1]), p) for p in folder.iterdir() if (m := _CHECKPOINT.fullmatch(p.name))]
    for path in (folder, *(p for _, p in sorted(numbered, reverse=True))):
        if (path / WEIGHTS).is_file():
            return path
    for path in (folder, *(p for _, p in numbered)):
        if (path / PICKLE).is_file():
            raise UserError(
                f"{path / PICKLE}: a pickle can run code and is never loaded; save the adapter "
                f"as {WEIGHTS} (save_pretrained with safe_serialization=True)."
            )
    return None


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    try:
        about = dict(read_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); every adapter has one.") from error
    problems = []
    if about.get("peft_type") != "LORA":
        problems.append(f"peft_type={about.get('peft_type')}; expected LORA")
    if about.get("bias", "none") != "none":
        problems.append(
            f"bias={about['bias']}: biases of the base would change too; train bias=none"
        )
    for name in ("modules_to_save", "trainable_token_indices", "target_parameters"):
        if about.get(name):
            problems.append(f"{name}={about[name]}: weights beside the adapter; train LoRA alone")
    if problems:
        raise UserError(f"{path}: {'; '.join(problems)}.")
    return about


def digest_adapters(adapters: Mapping[Fold, Adapter]) -> str:
    """12 hex digits over the weights and configurations of all folds' adapters."""
    digest = hashlib.sha256()
    for fold, adapter in sorted(adapters.items()):
        for name in (WEIGHTS, CONFIG):
            digest.update(f"{fold_name(fold)}/{name}:{checksum(adapter.folder / name)}\n".encode())
    return digest.hexdigest()[:12]


def find_misfits(adapter: Adapter, layers: Mapping[str, nn.Module]) -> list[str]:
    """Why an adapter does not belong on a base with these linear layers; empty where it does.

    Compares names and shapes of all tensors; reads none of them.
    """
    path = adapter.folder / WEIGHTS
    try:
        with safe_open(str(path), framework="pt") as kept:
            shapes = {name: tuple(kept.get_slice(name).get_shape()) for name in kept.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        return [f"{path}: cannot be read ({error})"]
    if not shapes:
        return [f"{path}: holds no weights"]
    parts: dict[str, dict[str, tuple[int, ...]]] = {}
    problems = []
    for name, shape in shapes.items():
        match = _TENSOR.fullmatch(name)
        if match is None or match["layer"] not in layers:
            problems.append(f"{name}: the base has no such layer")
        else:
            parts.setdefault(match["layer"], {})[match["part"]] = shape
    for name, own in parts.items():
        if "A" not in own or "B" not in own:
            problems.append(f"{name}: half of the adapter is missing")
            continue
        inputs, outputs = own["A"][1], own["B"][0]
        expected = _size(layers[name])
        if (inputs, outputs) != expected:
            problems.append(
                f"{name}: made for a layer of {inputs} to {outputs}, the base's is of "
                f"{expected[0]} to {expected[1]}"
            )
        elif own["A"][0] != own["B"][1]:
            problems.append(f"{name}: ranks {own['A'][0]} and {own['B'][1]} differ")
    return [f"{path}: {problem}" for problem in problems[:3]]


def _size(layer: nn.Module) -> tuple[int, int]:
    """Inputs and outputs of a linear layer."""
    weight: Any = layer.weight
    rows, columns = weight.shape
    return (columns, rows) if isinstance(layer, nn.Linear) else (rows, columns)  # Conv1D


def training_cost(adapter: Adapter) -> dict[str, float]:
    """What a transformers-based trainer noted of the training: seconds, mean loss, steps."""
    path = adapter.trained_in / RESULTS
    if not path.is_file():
        return {}
    noted = read_json(path)
    names = {"train_runtime": "train_seconds", "train_loss": "train_loss"}
    return {ours: float(noted[theirs]) for theirs, ours in names.items() if theirs in noted}


def training_history(adapter: Adapter) -> pd.DataFrame | None:
    """Step, epoch, loss and learning rate as the trainer logged them; None where it kept no log."""
    path = adapter.folder / TRAINER_STATE
    if not path.is_file():
        return None
    logged = [e for e in read_json(path).get("log_history", []) if "loss" in e and "step" in e]
    if not logged:
        return None
    columns = ("step", "epoch", "loss", "learning_rate")
    return pd.DataFrame([{c: float(e.get(c, "nan")) for c in columns} for e in logged]).assign(
        step=lambda frame: frame["step"].astype(int), tokens=float("nan")
    )


def adapter_settings(adapter: Adapter) -> dict[str, Any]:
    """What its JSON files say, as fields of ``ExternalAdapterSettings``."""
    about = adapter.about
    targets = about.get("target_modules") or []
    names = {str(t).split(".")[-1] for t in ([targets] if isinstance(targets, str) else targets)}
    found: dict[str, Any] = {
        "r": int(about["r"]),
        "alpha": float(about["lora_alpha"]),
        "dropout": float(about.get("lora_dropout", 0.0)),
        "targets": sorted(names),
        "use_dora": bool(about.get("use_dora", False)),
        "use_rslora": bool(about.get("use_rslora", False)),
    }
    path = adapter.folder / TRAINER_STATE
    if path.is_file():
        state = read_json(path)
        if state.get("num_train_epochs"):
            found["epochs"] = float(state["num_train_epochs"])
    return found
