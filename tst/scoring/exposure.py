"""Which question types are answered without looking: one definition for verdicts and pruning.

A type is *exposed* when its hard score exceeds chance at a family-wise 5% over the benchmark's
types. Chance is 1/n_options (mc), the best constant (num) or the most frequent answer (open). An
interval above chance for each type by itself would call clean benchmarks exposed: of 62 types some
are above it by luck.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtr

from tst.scoring.intervals import clustered_standard_error

FEWEST_QUESTIONS = 20
"""A type with fewer questions is not judged."""
FAMILY_WISE_ERROR = 0.05
ONE_ANSWER_SHARE = 0.5
"""A num or open type is given away by one answer when that answer scores this or more."""
EXPOSED, ONE_ANSWER, NO_SIGN, TOO_FEW = "exposed", "one answer", "no sign", "too few"
MOST_TELLING = (EXPOSED, ONE_ANSWER, NO_SIGN, TOO_FEW)
"""Of a type with several formats the first of these states is its own."""


@dataclass(frozen=True)
class TypeExposure:
    """What is known of one question type; scores are shares between 0 and 1.

    state: EXPOSED; ONE_ANSWER (the same answer to every question scores at least
        ONE_ANSWER_SHARE); NO_SIGN; TOO_FEW (fewer than FEWEST_QUESTIONS questions)
    score: mean hard score; chance: what it is compared with
    p: one-sided, before correction for several types; NaN where the type is not judged
    to_mend: about how many questions give their answer away; 0 unless exposed or one answer
    """

    question_type: str
    format: str
    state: str
    n: int
    score: float
    chance: float
    p: float
    to_mend: int

    @property
    def is_exposed(self) -> bool:
        """Whether its questions are to be mended: exposed, or one answer suffices."""
        return self.state in (EXPOSED, ONE_ANSWER)


def find_exposed(
    scores: pd.DataFrame, table: pd.DataFrame, units: np.ndarray
) -> list[TypeExposure]:
    """Every question type, the one with most to mend first.

    scores: one row per question, indexed by table position: hard, majority, baseline (means over
        repeats)
    units: (len(table),) the group of each question; differences from chance are clustered by it
    """
    rows = scores.index.to_numpy()
    kinds = table["format"].to_numpy()[rows]
    types = table["question_type"].to_numpy()[rows]
    hard, majority = scores["hard"].to_numpy(float), scores["majority"].to_numpy(float)
    chance = np.where(kinds == "mc", scores["baseline"].to_numpy(float), majority)
    parts = sorted({(str(t), str(k)) for t, k in zip(types, kinds, strict=True)})
    members = {part: (types == part[0]) & (kinds == part[1]) for part in parts}
    judged = np.isfinite(hard) & np.isfinite(chance)  # no chance: no training answer of the format
    members = {part: rows_of & judged for part, rows_of in members.items()}
    p_values = {
        part: p_above(hard[m] - chance[m], units[rows][m])
        for part, m in members.items()
        if m.sum() >= FEWEST_QUESTIONS
    }
    rejected = holm(p_values, FAMILY_WISE_ERROR)
    found = []
    for (name, kind), m in members.items():
        part = (name, kind)
        n, score, level = int(m.sum()), _mean(hard[m]), _mean(chance[m])
        to_mend = 0
        if n < FEWEST_QUESTIONS:
            state = TOO_FEW
        elif part in rejected:
            state, to_mend = EXPOSED, round(n * (score - level) / (1.0 - level))
        elif kind != "mc" and _mean(majority[m]) >= ONE_ANSWER_SHARE:
            state, to_mend = ONE_ANSWER, int((majority[m] >= ONE_ANSWER_SHARE).sum())
        else:
            state = NO_SIGN
        p = p_values.get(part, float("nan"))
        found.append(TypeExposure(name, kind, state, n, score, level, p, to_mend))
    return sorted(found, key=lambda e: (-e.to_mend, e.question_type, e.format))


def states_by_type(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The state of every question type, which is what verdicts count.

    entries: ``TypeExposure`` as dicts (``exposure`` of summary.json). A type with several formats
        is judged by each of them; its state is the most telling one.
    """
    states: dict[str, str] = {}
    for entry in entries:
        name = entry["question_type"]
        states[name] = min(states.get(name, TOO_FEW), entry["state"], key=MOST_TELLING.index)
    return states


def name_parts(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """What each (question type, format) is called: the type, with its format if it has several."""
    formats = defaultdict(list)
    for entry in entries:
        formats[entry["question_type"]].append(entry["format"])
    return {
        (name, kind): name if len(kinds) == 1 else f"{name} ({kind})"
        for name, kinds in formats.items()
        for kind in kinds
    }


def p_above(differences: np.ndarray, units: np.ndarray) -> float:
    """One-sided p of a mean difference above 0, with a standard error clustered by ``units``.

    A t test with (clusters - 1) degrees of freedom; Cameron and Miller, "A practitioner's guide to
    cluster-robust inference", 2015, equation 8. 1.0 with fewer than two clusters.
    """
    mean = float(differences.mean())
    clusters = len(np.unique(units.astype(str)))
    if clusters < 2:
        return 1.0
    error = clustered_standard_error(differences, units)
    if error == 0.0:
        return 0.0 if mean > 0 else 1.0
    return float(stdtr(clusters - 1, -mean / error))  # scipy.stats takes half a second to import


def holm(p_values: dict[tuple[str, str], float], level: float) -> set[tuple[str, str]]:
    """The hypotheses that are rejected at a family-wise error; Holm, 1979."""
    rejected: set[tuple[str, str]] = set()
    ordered = sorted(p_values.items(), key=lambda entry: entry[1])
    for done, (name, p) in enumerate(ordered):
        if p > level / (len(ordered) - done):
            break
        rejected.add(name)
    return rejected


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
