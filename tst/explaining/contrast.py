"""The comparison that attributions explain: the gold option against the runner-up."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.session import Session


@dataclass(frozen=True)
class ChoicePair:
    """The gold option and the runner-up in one prompt: tokens of letters, or options as shown.

    prior_odds: log prior of the gold position against the runner-up's; 0 where none is counted
    """

    gold: int
    runner_up: int
    prior_odds: float = 0.0


@dataclass(frozen=True)
class Rotation:
    """The prompt with its options rotated, and the choices that the two options then are."""

    prompt: Prompt
    pair: ChoicePair


@dataclass(frozen=True)
class Contrast:
    """The two options that are compared.

    gold, runner_up: indices of the options
    rotations: the prompt with its options rotated by 0, 1, ... places
    choices: of all options in the given order
    log_prior: float array (options,), by position; None where nothing is counted
    """

    gold: int
    runner_up: int
    rotations: list[Rotation]
    choices: list[int]
    log_prior: np.ndarray | None = None

    @property
    def pair(self) -> ChoicePair:
        return self.rotations[0].pair


def contrast_of(
    row: pd.Series, scored: pd.Series, session: Session, reading: FoldReading | None
) -> Contrast:
    """The gold option against the other option with the highest probability (tuned model).

    reading: of the fold whose adapter is explained; None for the untrained model
    """
    p = np.array(json.loads(scored["p_options"]), dtype=float)
    gold = int(row["answer"])
    p[gold] = -1.0
    runner_up = int(p.argmax())
    options = list(row["options"])
    count = len(options)
    log_prior = None
    if reading is not None and reading.positions is not None:
        log_prior = np.log(reading.prior("mc", str(row["question_type"]), count))
    choices = session.plan.letter_ids[:count] or list(range(count))
    rotated = [options[-k:] + options[:-k] for k in range(count)]
    frame = pd.DataFrame({"format": "mc", "question": row["question"], "options": rotated})
    rotations = []
    for k, prompt in enumerate(session.encode(frame).prompts):
        first, second = (gold + k) % count, (runner_up + k) % count
        odds = 0.0 if log_prior is None else float(log_prior[first] - log_prior[second])
        rotations.append(Rotation(prompt, ChoicePair(choices[first], choices[second], odds)))
    return Contrast(gold, runner_up, rotations, choices, log_prior)
