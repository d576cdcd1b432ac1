"""What a user can set of TsT-RF: plain dataclasses that the command line's schema takes over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from tst.core.diagnostic import DiagnosticSettings
from tst.core.ranges import bounded, one_of

MEMBERS = ("encodings", "surface", "words", "pieces", "trees", "boosted", "nearest", "prior")
"""Models of a stack, see tst/diagnostics/forest/models/members.py."""



@dataclass
class FeatureSettings:
    """Which features are read.

    scene_context: numeric questions also read the text of the other questions of their scene (of
        the first declared group), training and held-out; needs a benchmark with groups
    """

    scene_context: bool = False


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
    members: list[str] = one_of(list(MEMBERS), MEMBERS)
    trees: int = bounded(50, at_least=1)
    leaf: int = bounded(20, at_least=1)
    inner_folds: int = bounded(10, at_least=2)
    prior: float = bounded(1.0, above=0)
    max_rows: int = bounded(20000, at_least=1)
    importance: bool = True
    reasons: bool = True

    def predictions_alone(self) -> Self:
        return replace(self, importance=False, reasons=False)
