"""LoRA adapters of other trainers: where they lie, what they are, whether they fit the base.

Only safetensors, JSON and YAML files are opened. A pickle (adapter_model.bin, training_args.bin)
can run code, so none is ever loaded.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tst.core.diagnostic import Fold
from tst.core.errors import UserError
from tst.diagnostics.llm.model.adapters import WEIGHTS
from tst.external_training.trainer_notes import TrainerNotes, read_notes, read_object
from tst.external_training.trainer_settings import fold_name
from tst.records.files import checksum

CONFIG = "adapter_config.json"
PICKLE = "adapter_model.bin"
OWN_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Beginnings of ``init_lora_weights`` that change the base's weights too."""
OTHER_LORA = ("alora_invocation_tokens", "use_qalora", "use_bdlora", "arrow_config", "kasa_config",
              "monteclora_config")  # fmt: skip
"""Settings of PEFT that make another forward pass of the same tensors."""
WHOLE_MODEL = ("model.safetensors", "model.safetensors.index.json")
_FOLD = re.compile(r"(?:fold[-_]?)?(?:(\d+)[-_])?(\d+)")
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Adapter:
    """One fold's adapter.

    folder: has its weights and adapter_config.json; about: that file
    notes: what its trainer noted beside it
    """

    folder: Path
    about: dict[str, Any]
    notes: TrainerNotes

    def settings(self) -> dict[str, Any]:
        """What its files say, as fields of ``ExternalAdapterSettings``."""
        about = self.about
        targets = about.get("target_modules") or []
        targets = [targets] if isinstance(targets, str) else targets
        found = {
            "r": about["r"],
            "alpha": float(about["lora_alpha"]),
            "dropout": float(about.get("lora_dropout", 0.0)),
            "targets": sorted({target.split(".")[-1] for target in targets}),
            "use_dora": bool(about.get("use_dora", False)),
            "use_rslora": bool(about.get("use_rslora", False)),
        }
        return found if self.notes.epochs is None else found | {"epochs": self.notes.epochs}


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
            above = folder.parent if _CHECKPOINT.fullmatch(folder.name) else folder
            found[fold] = Adapter(folder, _read_config(folder), read_notes(folder, above))
    return found


def why_missing(root: Path, missing: Iterable[Fold], folds: Iterable[Fold]) -> str:
    """What is likely wrong where folds have no adapter; empty where nothing tells."""
    if (root / WEIGHTS).is_file():
        return f"{root} is one adapter itself; name the folder that holds a folder per fold"
    names = {p.name: m for p in root.iterdir() if (m := _FOLD.fullmatch(p.name))}
    if strangers := sorted({(int(m[1] or 0), int(m[2])) for m in names.values()} - set(folds)):
        return f"the plan has no fold {fold_name(strangers[0])}: folds are numbered from 0"
    for name, match in names.items():
        fold = int(match[1] or 0), int(match[2])
        if fold not in missing:
            continue
        own = root / name
        if any((own / whole).is_file() for whole in WHOLE_MODEL):
            return f"{own} holds a whole model; keep the adapter, not merged into its base"
        if (own / WEIGHTS).is_symlink():
            return f"{own / WEIGHTS} is a link to a file that is not there"
        if parts := sorted(own.glob(f"{Path(WEIGHTS).stem}-*.safetensors")):
            return f"{parts[0]}: the adapter is in parts; save it as one {WEIGHTS}"
        if deeper := sorted(own.rglob(WEIGHTS)):
            return f"{deeper[0].parent} holds an adapter; move it up into {own}"
    others = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name not in names)
    if others:
        return (
            f"there are folders called {', '.join(others[:3])}; a fold's is called REPEAT-FOLD, "
            "FOLD or foldFOLD, as 0-1, 1 or fold1"
        )
    return ""


def _with_weights(folder: Path) -> Path | None:
    """The folder itself, else its last checkpoint; None where there is no adapter.

    Raises UserError for a pickle, and where the last checkpoint was not saved to its end.
    """
    numbered = [(int(m[1]), p) for p in folder.iterdir() if (m := _CHECKPOINT.fullmatch(p.name))]
    checkpoints = [path for _, path in sorted(numbered, reverse=True)]
    for path in (folder, *checkpoints):
        if (path / WEIGHTS).is_file():
            if path in checkpoints[1:]:
                raise UserError(
                    f"{checkpoints[0]}: the last checkpoint has no {WEIGHTS}: the training was "
                    f"stopped there. Train the fold to its end, or remove that folder to score "
                    f"{path.name}."
                )
            return path
        if (path / PICKLE).is_file():
            raise UserError(
                f"{path / PICKLE}: a pickle can run code and is never loaded; save the adapter "
                f"as {WEIGHTS} (save_pretrained with safe_serialization=True)."
            )
    return None


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise UserError(f"{path}: is missing; every adapter has one.")
    about = read_object(path)
    problems = []
    if about.get("peft_type") != "LORA":
        problems.append(f"peft_type={about.get('peft_type')}; expected LORA")
    if not isinstance(about.get("r"), int) or about["r"] < 1:
        problems.append(f"r={about.get('r')}; expected the rank, a whole number above 0")
    for name in ("lora_alpha", "lora_dropout"):
        value = about.get(name, 0.0 if name == "lora_dropout" else None)
        if not isinstance(value, int | float) or not math.isfinite(value):
            problems.append(f"{name}={value}; expected a number")
        elif name == "lora_dropout" and not 0 <= value <= 1:
            problems.append(f"{name}={value}; expected a share from 0 to 1")
    targets = about.get("target_modules") or []
    if not isinstance(targets, str | list) or not all(isinstance(t, str) for t in targets):
        problems.append(f"target_modules={targets}; expected names of layers")
    if about.get("task_type") not in (None, "CAUSAL_LM"):
        problems.append(f"task_type={about['task_type']}; expected CAUSAL_LM")
    if str(about.get("init_lora_weights")).lower().startswith(OWN_BASE):
        problems.append(
            f"init_lora_weights={about['init_lora_weights']}: the base's weights were changed too; "
            "save it as an adapter of the original base (PEFT: "
            "path_initial_model_for_weight_conversion)"
        )
    if about.get("bias", "none") != "none":
        problems.append(
            f"bias={about['bias']}: biases of the base would change too; train bias=none"
        )
    for name in ("modules_to_save", "trainable_token_indices", "target_parameters",
                 "layer_replication"):  # fmt: skip
        if about.get(name):
            problems.append(f"{name}={about[name]}: weights beside the adapter; train LoRA alone")
    problems += [
        f"{name}={about[name]}: no plain LoRA; train plain LoRA, DoRA or rsLoRA"
        for name in OTHER_LORA
        if about.get(name)
    ]
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
