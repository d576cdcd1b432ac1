"""What the test set gives away as a set: the deciding run, and one that reads more text.

The second run also reads the text, never the answers, of the other questions of the same group. Its
score stands beside the verdict and is no part of it: it is about the set, not about any question.
"""

from __future__ import annotations

from dataclasses import dataclass

from tst.analysis.comparison import compare
from tst.core.number_text import percent, points
from tst.core.questions import QuestionTable
from tst.records.run_records import RunRecord


@dataclass(frozen=True)
class SiblingsEffect:
    """Overall hard scores as shares, without and with the text of a group's other questions.

    group: whose other questions; interval: 95%, of the paired difference (bootstrap over groups)
    choices_alone: whether all questions are multiple choice
    """

    group: str
    alone: float
    together: float
    difference: float
    interval: tuple[float, float]
    choices_alone: bool


def measure_siblings_effect(
    table: QuestionTable, alone: RunRecord, together: RunRecord
) -> SiblingsEffect:
    """The paired difference of the run that decides, and of the one that reads more."""
    overall = compare([alone], [together]).iloc[-1]
    return SiblingsEffect(
        table.groups[0], float(overall["a_hard"]), float(overall["b_hard"]),
        float(overall["diff_hard"]), (float(overall["low_hard"]), float(overall["high_hard"])),
        bool((table.frame["format"] == "mc").all()),
    )  # fmt: skip


def describe_siblings_effect(effect: SiblingsEffect) -> str:
    """The two figures in a sentence, and what their difference means."""
    low, high = effect.interval
    figures = (
        f"Alone {percent(effect.alone)}, with the text of the {effect.group}'s other questions "
        f"(never an answer) {percent(effect.together)}: {points(effect.difference)} "
        f"[{points(low)}, {points(high)}] points"
    )
    if not low > 0:
        return f"{figures}, no sign that these give more away."
    if effect.choices_alone:
        return f"{figures}: wrong options are not about the {effect.group}."
    return f"{figures}: what these mention tells the answer."
