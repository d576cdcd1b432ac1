"""Whether attributed words matter: masking the top tenth against masking as many at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.explaining.attribution import Reader, maskable
from tst.explaining.contrast import Contrast
from tst.explaining.words import WordedPrompt

TOP_SHARE = 0.1


@dataclass(frozen=True)
class Masking:
    """How much the probability of the gold option changes, in absolute value.

    top: with the most attributed tokens masked; random: the mean over random masks of equal size
    p_gold: that probability with nothing masked
    """

    top: float
    random: float
    p_gold: float


def measure_masking(
    reader: Reader,
    prompt: WordedPrompt,
    attribution: np.ndarray,
    contrast: Contrast,
    mask_token: int,
    draws: int,
    rng: np.random.Generator,
) -> Masking:
    """Mask the top tenth of a prompt's tokens by absolute attribution, then as many random ones.

    attribution: float array (words,)
    mask_token: the token that replaces a masked one
    draws: number of random masks
    """
    candidates = np.flatnonzero(prompt.tokens_of(maskable(prompt)))
    count = max(1, round(TOP_SHARE * len(candidates)))
    strength = np.abs(prompt.by_token(attribution))
    order = candidates[np.argsort(-strength[candidates], kind="stable")]
    masked = [order[:count]] + [rng.choice(candidates, count, replace=False) for _ in range(draws)]
    rows = [prompt.prompt, *(_hide(prompt.prompt, places, mask_token) for places in masked)]
    p = reader.p_gold(rows, contrast)
    moved = np.abs(p[1:] - p[0])
    return Masking(float(moved[0]), float(moved[1:].mean()), float(p[0]))


def _hide(prompt: Prompt, places: np.ndarray, token: int) -> Prompt:
    hidden = set(places.tolist())
    ids = [token if i in hidden else value for i, value in enumerate(prompt.ids)]
    return Prompt(ids, prompt.ends)


def summarise_masking(found: Sequence[Masking], rng: np.random.Generator) -> dict[str, float]:
    """Means over questions, the share of questions in which ``top`` is larger, and a 95% interval.

    The interval is of the mean difference top - random, by a bootstrap over questions.
    """
    top = np.array([m.top for m in found])
    chance = np.array([m.random for m in found])
    difference = top - chance
    draws = rng.integers(0, len(found), (10_000, len(found)))
    low, high = np.quantile(difference[draws].mean(axis=1), [0.025, 0.975])
    return {
        "questions": len(found),
        "top": float(top.mean()),
        "random": float(chance.mean()),
        "more_often": float((difference > 0).mean()),
        "difference_low": float(low),
        "difference_high": float(high),
    }
