"""What a user can set of TsT-RF: plain dataclasses that the command line's schema takes over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from tst.core.diagnostic import DiagnosticSettings
from tst.core.ranges import bounded, expecting, one_of

MEMBERS = ("encodings", "surface", "words", "pieces", "trees", "boosted", "nearest", "prior")
"""Models of a stack, see tst/diagnostics/forest/models/members.py."""


def _is_choice_of_members(value: list[str]) -> bool:
    return 0 < len(value) == len(set(value) & set(MEMBERS))


@dataclass
class FeatureSettings:
    """Which features are read.

    context: none; siblings: also the text, never the answers, of the other questions of the same
        group (the first declared), training and held-out: what the test set gives away as a set
    scene_context: gone, was numeric questions' context
    """

    context: str = one_of("none", ("none", "siblings"))
    scene_context: Any = expecting(
        None, "nothing: it has become features.context=siblings", lambda value: value is None
    )


@dataclass
class ForestSettings(DiagnosticSettings):
    """How TsT-RF is fitted.

    trees: trees per format and fold; leaf: fewest rows in a leaf
    members: which models are stacked for multiple choice
    inner_folds: splits of the training part for out-of-fold statistics of its answers
    prior: strength of shrinkage, in questions, of the statistics of training answers
    max_rows: most training questions that models are fitted on (statistics use all)
    importance, reasons: also compute what moved the predictions
    """

    name: str = "rf"
    members: list[str] = expecting(
        list(MEMBERS), f"one or more of {', '.join(MEMBERS)}, each once", _is_choice_of_members
    )
    trees: int = bounded(50, at_least=1)
    leaf: int = bounded(20, at_least=1)
    inner_folds: int = bounded(10, at_least=2)
    prior: float = bounded(1.0, above=0)
    max_rows: int = bounded(20000, at_least=1)
    importance: bool = True
    reasons: bool = True

    def predictions_alone(self) -> Self:
        return replace(self, importance=False, reasons=False)
