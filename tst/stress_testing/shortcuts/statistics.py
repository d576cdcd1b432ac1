"""A statistic of training answers, and how well it tells the answers of a question type alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.shortcuts import shortcut_of
from tst.stress_testing.shortcuts.repairs import simplicity

STANDARD_ERRORS = 1.64
"""Standard errors that a reliability lies below the measured mean: one-sided 95%."""
AS_GOOD = 0.05
"""Reliabilities that differ by less, or by less than a quarter of what they are above chance, are
alike: the simpler shortcut is then named."""
FEWEST_PICKS = 10
RIGHT_FROM = 0.5
"""Least score of a picked answer that counts as the question's own."""


@dataclass
class Statistic:
    """What one statistic says of n questions; each is judged by the training answers of its fold.

    name: family.what, see ``diagnostics.forest.shortcuts``
    picks: whether it singles out an answer, bool (n,)
    credit: the score of that answer, (n,); 0 without one
    favours: whether it makes the gold answer likelier than chance, bool (n,)
    hits, expected, count: training answers for the gold answer (mc) or the score of the picked one
        on them (num, open), what chance gives, and how many there are, (n,) each
    answer: the picked answer as a text; None for mc, whose gold option is meant
    about: codes of the words that it is about, (n, 2), 0 for none
    """

    name: str
    picks: np.ndarray
    credit: np.ndarray
    favours: np.ndarray
    hits: np.ndarray
    expected: np.ndarray
    count: np.ndarray
    answer: np.ndarray | None
    about: np.ndarray

    @property
    def evidence(self) -> np.ndarray:
        """How much speaks for the answer: hits by how far they exceed what is expected, (n,).

        Of claims what disagrees is expected; of typical answers, half of the answers.
        """
        expected = np.where(np.isnan(self.expected), self.count - self.hits, self.expected)
        if self.answer is not None:
            expected = self.count / 2.0
        return np.asarray(self.hits * np.log((self.hits + 1.0) / (expected + 1.0)))


def reliability(statistic: Statistic, types: np.ndarray) -> np.ndarray:
    """How often the answers that it picks are right, by question type, cautiously, (n,).

    The lower end of Wilson's interval (1927); of held-out questions, so that a statistic which was
    found among many by luck counts for what it is worth. 0 where it picks too few.
    """
    result = np.zeros(len(types))
    for kind in np.unique(types):
        members = types == kind
        picked = members & statistic.picks
        n = int(picked.sum())
        if n >= FEWEST_PICKS:
            result[members] = lower_bound(float(statistic.credit[picked].mean()), n)
    return result


def lower_bound(share: float, n: int) -> float:
    """Lower end of Wilson's interval of a share of n."""
    square = STANDARD_ERRORS**2 / n
    spread = STANDARD_ERRORS * np.sqrt(share * (1.0 - share) / n + square / (4.0 * n))
    return float((share + square / 2.0 - spread) / (1.0 + square))


@dataclass
class Ranking:
    """Statistics from the simplest to the most involved, and how well each tells each gold answer.

    reliable: (n, statistics), how often the statistic's answers are right in the question's type
    gain: the same above chance, where the statistic picks the gold answer; half of it where it
        only makes the answer likelier; else 0
    """

    statistics: list[Statistic]
    shortcuts: np.ndarray
    reliable: np.ndarray
    gain: np.ndarray

    def choose(self, among: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The statistic (its place) that tells each gold answer, -1 for none, and its reliability.

        among: (n,) the one shortcut that counts for each question, empty for any
        The most reliable statistic decides the shortcut; of several that are about as good, the
        simplest. Of the shortcut's statistics the one with most evidence is named.
        """
        gain = self.gain
        if among is not None:
            gain = np.where((among[:, None] == self.shortcuts) | (among == "")[:, None], gain, 0.0)
        best = gain.max(axis=1)
        enough = gain >= np.maximum(best - np.minimum(AS_GOOD, best / 4.0), 1e-9)[:, None]
        same = self.shortcuts == self.shortcuts[enough.argmax(axis=1)][:, None]
        evidence = np.stack([statistic.evidence for statistic in self.statistics], axis=1)
        strongest = np.where(enough & same, evidence, -np.inf).argmax(axis=1)
        return np.where(best > 0, strongest, -1), self.reliable[np.arange(len(gain)), strongest]


def rank_statistics(
    statistics: list[Statistic], types: np.ndarray, chance: np.ndarray, by_family: dict[str, str]
) -> Ranking:
    """types: codes (n,); chance: what a reliability must exceed, (n,)

    by_family: which shortcut each statistic belongs to, ``diagnostics.forest.shortcuts``
    """
    ordered = sorted(statistics, key=lambda statistic: simplicity(statistic.name))
    reliable = np.stack([reliability(statistic, types) for statistic in ordered], axis=1)
    gain = np.maximum(reliable - chance[:, None], 0.0)
    tells = np.stack(
        [statistic.picks & (statistic.credit >= RIGHT_FROM) for statistic in ordered], axis=1
    )
    favours = np.stack([statistic.favours for statistic in ordered], axis=1)
    gain = np.where(tells, gain, np.where(favours, gain / 2.0, 0.0))
    shortcuts = np.array([shortcut_of(statistic.name, by_family) for statistic in ordered])
    return Ranking(ordered, shortcuts, reliable, gain)
