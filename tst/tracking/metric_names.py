"""Every key that a W&B run has, named once; docs/tracking.md lists them.

Left: the key in W&B. Right: the field of summary.json, or of a fold's sidecar, that it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SCORES = {
    "n": "n",
    "score": "score_hard",
    "score_soft": "score_soft",
    "zero_shot": "zero_shot_hard",
    "zero_shot_soft": "zero_shot_soft",
    "delta": "delta_hard",
    "delta_soft": "delta_soft",
    "baseline": "baseline",
    "majority": "majority",
    "adjusted": "adjusted",
    "bits": "bits",
    "ece": "ece",
}
"""Of all questions (as they are), of the mean over types (``macro/``), of a format
(``format/<f>/``) and of a question type (``type/<t>/``)."""

WITH_INTERVAL = {"score": "score_hard", "delta_soft": "delta_soft"}
"""Keys that also have ``<key>_low`` and ``<key>_high``, the ends of the 95% interval."""

CURVES = ("step", "epoch", "loss", "learning_rate", "tokens")
"""Columns of a fold's history, under ``fold<f>/`` (``repeat<r>/fold<f>/`` after repeat 0)."""

FOLD, STATE = "fold", "state"
FOLD_SCORE, FOLD_SCORE_SOFT = "fold_score", "fold_score_soft"
LOSS, SPEED = "loss", "tokens_per_second"
QUESTIONS = "questions"
HELD_OUT = "held_out"
"""Noisy tuning: the loss of held-out clean pairs, by step."""


def curve_prefix(repeat: int, fold: int) -> str:
    """Where a fold's curves stand."""
    return f"fold{fold}" if repeat == 0 else f"repeat{repeat}/fold{fold}"


def scalars(summary: dict[str, Any]) -> dict[str, float]:
    """summary.json as the run's summary; what could not be computed is left out."""
    found = dict(_all_scalars(summary))
    return {key: value for key, value in found.items() if isinstance(value, int | float)}


def _all_scalars(summary: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    parts = {"": summary["overall"], "macro/": summary["macro"]}
    parts |= {f"format/{key_part(f)}/": entry for f, entry in summary["per_format"].items()}
    parts |= {f"type/{key_part(t)}/": entry for t, entry in summary["per_type"].items()}
    for prefix, entry in parts.items():
        for key, name in SCORES.items():
            yield prefix + key, entry.get(name)
        for key, name in WITH_INTERVAL.items():
            low, high = (entry.get("interval") or {}).get(name) or (None, None)
            yield f"{prefix}{key}_low", low
            yield f"{prefix}{key}_high", high
    for name, value in summary.get("cost", {}).items():
        yield f"cost/{name}", value
    for kind, draws in (summary.get("null") or {}).items():
        if isinstance(draws, dict):
            yield f"null/{kind}/p", draws.get("p")
            yield f"null/{kind}/score", draws.get("score_hard")
    for name, entry in (summary.get("planted") or {}).items():
        yield f"planted/{key_part(name)}/auroc", entry.get("auroc")


def key_part(name: str) -> str:
    """A question type or format as one part of a key."""
    return name.replace("/", "-")
