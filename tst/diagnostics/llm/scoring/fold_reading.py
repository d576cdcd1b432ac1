"""What a fold's answers are read with beside its adapter: counts, a trained head, calibration.

Nothing of it is a PEFT weight: it is kept in ``tst_head.safetensors`` beside the adapter, which
plain PEFT goes on loading.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.numpy import save_file

from tst.diagnostics.llm.scoring.calibration import Calibration, Evidence, calibrate
from tst.diagnostics.llm.scoring.number_candidates import (
    NumberCandidates,
    fit_number_candidates,
)
from tst.scoring.answer_prior import AnswerPrior, fit_answer_prior

log = logging.getLogger(__name__)

FILE = "tst_head.safetensors"


@dataclass
class FoldReading:
    """How the scores of a fold's model become answers.

    positions: prior of option positions; None where options are letters, which count nothing
    numbers: candidate values of num questions
    head: float32 (hidden, columns), the trained head; None before training
    calibrations: by what is scored: mc, num (the head's slots), num_text (the candidates' texts)
    text_share: of the texts in the mixture that a number is chosen under
    """

    positions: AnswerPrior | None
    numbers: NumberCandidates
    head: np.ndarray | None = None
    calibrations: dict[str, Calibration] = field(default_factory=dict)
    text_share: float = 0.5

    @classmethod
    def untrained(cls) -> FoldReading:
        """That of a model without adapters: uniform priors, no head."""
        return cls(None, NumberCandidates())

    def prior(self, kind: str, question_type: str, n_options: int) -> np.ndarray:
        """Prior probabilities of a question's choices: options, or number slots."""
        if kind == "num":
            return self.numbers.of(question_type)[1]
        if self.positions is None:
            return np.full(n_options, 1.0 / n_options)
        return self.positions.probabilities(question_type, n_options)

    def option_probabilities(self, question_type: str, scores: np.ndarray) -> np.ndarray:
        """Calibrated probabilities (options,) of an mc question."""
        how = self.calibrations.get("mc", Calibration())
        return how.probabilities(scores, self.prior("mc", question_type, len(scores)))

    def number_probabilities(
        self, question_type: str, scores: np.ndarray, texts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Candidates (SLOTS,) of a num question and their probabilities; NaN is no candidate.

        scores: (SLOTS,) of the head; texts: (SLOTS,) log-likelihoods of the candidates' texts
        """
        values, masses = self.numbers.of(question_type)
        by_head = self.calibrations.get("num", Calibration()).probabilities(scores, masses)
        by_text = self.calibrations.get("num_text", Calibration()).probabilities(
            self.numbers.text_scores(question_type, texts), masses
        )
        return values, (1.0 - self.text_share) * by_head + self.text_share * by_text

    def save(self, folder: Path) -> None:
        """Write ``tst_head.safetensors``."""
        counts: dict[str, Any] = {
            "positions": None if self.positions is None else self.positions.to_plain(),
            "values": {
                t: [None if math.isnan(x) else x for x in v.tolist()]
                for t, v in self.numbers.values.items()
            },
            "masses": {t: v.tolist() for t, v in self.numbers.masses.items()},
            "text_share": self.text_share,
            "calibrations": {kind: asdict(how) for kind, how in self.calibrations.items()},
        }
        tensors = {} if self.head is None else {"head": np.ascontiguousarray(self.head)}
        metadata = {"format": "np", "reading": json.dumps(counts, ensure_ascii=False)}
        save_file(tensors, str(folder / FILE), metadata=metadata)

    @classmethod
    def load(cls, folder: Path) -> FoldReading:
        """Read ``tst_head.safetensors``; FileNotFoundError where there is none."""
        with safe_open(str(folder / FILE), framework="np") as kept:
            counts = json.loads(kept.metadata()["reading"])
            head = kept.get_tensor("head") if "head" in kept.keys() else None  # noqa: SIM118
        numbers = NumberCandidates(
            {t: np.array(v, dtype=float) for t, v in counts["values"].items()},
            {t: np.array(v, dtype=float) for t, v in counts["masses"].items()},
        )
        counted = counts["positions"]
        positions = None if counted is None else AnswerPrior.from_plain(counted)
        calibrations = {kind: Calibration(**how) for kind, how in counts["calibrations"].items()}
        return cls(positions, numbers, head, calibrations, counts["text_share"])


def calibrated(readings: Sequence[FoldReading], evidence: Sequence[Evidence]) -> list[FoldReading]:
    """The readings of a fold's adapters with what their validation questions say together."""
    calibrations, text_share = calibrate(evidence)
    fitted = "; ".join(
        f"{kind} temperature {how.temperature:.2f}, share of the prior {how.share:.2f}"
        for kind, how in calibrations.items()
    )
    log.info("calibration: %s; share of texts %.2f", fitted, text_share)
    return [replace(r, calibrations=calibrations, text_share=text_share) for r in readings]


def count_answers(train: pd.DataFrame, letters: bool) -> FoldReading:
    """What counting the answers of training questions gives."""
    mc, num = train[train["format"] == "mc"], train[train["format"] == "num"]
    positions = None
    if not letters:
        positions = fit_answer_prior(
            mc["question_type"].tolist(), mc["options"].map(len).tolist(), mc["answer"].tolist()
        )
    numbers = fit_number_candidates(
        num["question_type"].tolist(), num["answer"].astype(float).tolist()
    )
    return FoldReading(positions, numbers)
