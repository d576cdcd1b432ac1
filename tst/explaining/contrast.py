"""What a question's attributions explain: the gold option against the runner-up."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.diagnostics.llm.session import Session


@dataclass(frozen=True)
class Contrast:
    """Tokens of the gold letter and of the runner-up's."""

    gold: int
    rival: int


@dataclass(frozen=True)
class Rotation:
    """The prompt with its options moved on, and the letters that the two then have."""

    ids: list[int]
    contrast: Contrast


@dataclass(frozen=True)
class Contest:
    """gold, rival: indices of the options; rotations: one an option, as given first."""

    gold: int
    rival: int
    rotations: list[Rotation]

    @property
    def contrast(self) -> Contrast:
        """The two letters in the given order."""
        return self.rotations[0].contrast


def contest_of(row: pd.Series, scored: pd.Series, session: Session) -> Contest:
    """Gold against the other option that the tuned model likes best."""
    p = np.array(json.loads(scored["p_options"]), dtype=float)
    gold = int(row["answer"])
    p[gold] = -1.0
    rival = int(p.argmax())
    options, letters = list(row["options"]), session.plan.letter_ids
    count = len(options)
    turned = [options[-k:] + options[:-k] for k in range(count)]
    frame = pd.DataFrame({"format": "mc", "question": row["question"], "options": turned})
    rotations = [
        Rotation(ids, Contrast(letters[(gold + k) % count], letters[(rival + k) % count]))
        for k, ids in enumerate(session.encoder.encode(frame).prompts)
    ]
    return Contest(gold, rival, rotations)
