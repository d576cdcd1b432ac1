"""What a user can set of TsT-RF: plain dataclasses that the command line's schema takes over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from tst.core.diagnostic import DiagnosticSettings
from tst.core.ranges import bounded


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
    inner_folds: splits of the training part for out-of-fold statistics of its answers
    prior: strength of shrinkage, in questions, of the statistics of training answers
    logit_penalty, sparse_penalty: shrinkage of the conditional logits' weights
    max_rows: most training questions that models are fitted on (statistics use all)
    importance, reasons: also compute what moved the predictions
    """

    name: str = "rf"
    trees: int = bounded(50, at_least=1)
    leaf: int = bounded(20, at_least=1)
    inner_folds: int = bounded(5, at_least=2)
    prior: float = bounded(1.0, above=0)
    logit_penalty: float = bounded(10.0, at_least=0)
    sparse_penalty: float = bounded(3.0, at_least=0)
    max_rows: int = bounded(20000, at_least=1)
    importance: bool = True
    reasons: bool = True

    def predictions_alone(self) -> Self:
        return replace(self, importance=False, reasons=False)
