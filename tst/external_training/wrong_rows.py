"""What tells that a fold was trained on other rows than its own, as far as files say so.

Weights do not tell what they saw. A fold's adapter that lies in another fold's folder has seen the
questions that it is asked, so whatever gives that away is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tst.core.diagnostic import Fold
from tst.diagnostics.llm.model.adapters import WEIGHTS
from tst.external_training.adapters import Adapter
from tst.external_training.trainer_settings import fold_name, read_yaml
from tst.records.files import checksum

CARD = "README.md"
"""LLaMA-Factory names in it the dataset that it trained on."""
_DATASET = re.compile(r"\btrain-(\d+-\d+)\b")
_CARD_BYTES = 100_000


def find_wrong_rows(exported: Path | None, adapters: Mapping[Fold, Adapter]) -> list[str]:
    """What is wrong, in sentences: rows that a YAML or a card names, weights that are doubled.

    exported: folder of the export, which has a YAML per fold
    """
    problems = []
    weights: dict[str, Fold] = {}
    for fold, adapter in adapters.items():
        name = fold_name(fold)
        if exported is not None:
            path = exported / f"train-{name}.yaml"
            given = read_yaml(path)
            for key, own in (("dataset", f"train-{name}"), ("train_file", f"train-{name}.jsonl")):
                if given.get(key, own) != own:
                    problems.append(f"{path.name}: {key}={given[key]}; a fold is trained on {own}")
        place = adapter.folder
        if place.name.startswith("checkpoint-"):
            place = place.parent
        if others := sorted(_datasets(place / CARD) - {name}):
            problems.append(
                f"{place}: {CARD} says that it was trained on train-{others[0]}, which has "
                f"questions that fold {name} holds out"
            )
        first = weights.setdefault(checksum(adapter.folder / WEIGHTS), fold)
        if first != fold:
            problems.append(
                f"folds {fold_name(first)} and {name} have the same weights: one of them was "
                "trained on questions that it holds out"
            )
    return problems


def _datasets(card: Path) -> set[str]:
    """Folds whose training rows a model card names."""
    if not card.is_file():
        return set()
    with card.open("rb") as file:
        text = file.read(_CARD_BYTES).decode("utf-8", errors="replace")
    return set(_DATASET.findall(text))
