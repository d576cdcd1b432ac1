"""What a question's attributions explain: the gold option against the runner-up."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.diagnostics.llm.session import Session


@dataclass(frozen=True)
class LetterPair:
    """Token ids of the gold option's letter and of the runner-up's."""

    gold: int
    runner_up: int


@dataclass(frozen=True)
class Rotation:
    """The prompt with its options rotated, and the letters that the two options then have."""

    ids: list[int]
    letters: LetterPair


@dataclass(frozen=True)
class Contrast:
    """The two options that are compared.

    gold, runner_up: indices of the options
    rotations: the prompt with its options rotated by 0, 1, ... places
    """

    gold: int
    runner_up: int
    rotations: list[Rotation]

    @property
    def letters(self) -> LetterPair:
        """The two letters in the given order of the options."""
        return self.rotations[0].letters


def contrast_of(row: pd.Series, scored: pd.Series, session: Session) -> Contrast:
    """The gold option against the other option with the highest probability (tuned model)."""
    p = np.array(json.loads(scored["p_options"]), dtype=float)
    gold = int(row["answer"])
    p[gold] = -1.0
    runner_up = int(p.argmax())
    options, letters = list(row["options"]), session.plan.letter_ids
    count = len(options)
    rotated = [options[-k:] + options[:-k] for k in range(count)]
    frame = pd.DataFrame({"format": "mc", "question": row["question"], "options": rotated})
    rotations = [
        Rotation(ids, LetterPair(letters[(gold + k) % count], letters[(runner_up + k) % count]))
        for k, ids in enumerate(session.encoder.encode(frame).prompts)
    ]
    return Contrast(gold, runner_up, rotations)
