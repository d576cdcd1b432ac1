"""What tells that a fold was trained on other rows than its own, as far as files say so.

Weights do not tell what they saw. A fold's adapter that lies in another fold's folder has seen the
questions that it is asked, so whatever gives that away is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tst.core.diagnostic import Fold
from tst.diagnostics.llm.model.adapters import WEIGHTS
from tst.external_training.adapters import Adapter
from tst.external_training.trainer_settings import fold_name, read_yaml
from tst.records.files import checksum

CARD = "README.md"
"""LLaMA-Factory names in it the dataset that it trained on, and the seed."""
_DATASET = re.compile(r"\btrain-(\d+-\d+)\b")
_SEED = re.compile(r"^- seed: (\d+)$", re.MULTILINE)
_CARD_BYTES = 100_000


def find_wrong_rows(exported: Path | None, adapters: Mapping[Fold, Adapter]) -> list[str]:
    """What is wrong, in sentences: rows that a YAML or a card names, weights that are doubled.

    exported: folder of the export, which has a YAML per fold
    """
    problems = []
    weights: dict[str, Fold] = {}
    for fold, adapter in adapters.items():
        name = fold_name(fold)
        given: dict[str, Any] = {}
        if exported is not None:
            path = exported / f"train-{name}.yaml"
            given = read_yaml(path)
            for key, own in (("dataset", f"train-{name}"), ("train_file", f"train-{name}.jsonl")):
                if given.get(key, own) != own:
                    problems.append(f"{path.name}: {key}={given[key]}; a fold is trained on {own}")
        place = adapter.folder
        if place.name.startswith("checkpoint-"):
            place = place.parent
        card = _read_card(place / CARD)
        if others := sorted(set(_DATASET.findall(card)) - {name}):
            problems.append(
                f"{place}: {CARD} says that it was trained on train-{others[0]}, which has "
                f"questions that fold {name} holds out"
            )
        elif (seed := _SEED.search(card)) and seed[1] != str(given.get("seed", seed[1])):
            problems.append(
                f"{place}: {CARD} says that it was trained with seed {seed[1]}, train-{name}.yaml "
                f"says {given['seed']}: another export's fold, with other questions held out? "
                "Train it again, or have the YAML say what it was trained with"
            )
        first = weights.setdefault(checksum(adapter.folder / WEIGHTS), fold)
        if first != fold:
            problems.append(
                f"folds {fold_name(first)} and {name} have the same weights: one of them was "
                "trained on questions that it holds out"
            )
    return problems


def _read_card(path: Path) -> str:
    """The beginning of a model card; empty where there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return file.read(_CARD_BYTES).decode("utf-8", errors="replace")
