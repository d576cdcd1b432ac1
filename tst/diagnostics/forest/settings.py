"""What a user can set of TsT-RF: plain dataclasses that the command line's schema takes over."""

from __future__ import annotations

from dataclasses import dataclass

from tst.core.errors import UserError


@dataclass
class FeatureSettings:
    """Which features are read.

    scene_context: numeric questions also read the text of the other questions of their scene (of
        the first declared group), training and held-out; needs a benchmark with groups
    """

    scene_context: bool = False


@dataclass
class ForestSettings:
    """How TsT-RF is fitted.

    trees: trees per format and fold; leaf: fewest rows in a leaf
    inner_folds: splits of the training part for out-of-fold statistics of its answers
    prior: strength of shrinkage, in questions, of the statistics of training answers
    logit_penalty, sparse_penalty: shrinkage of the conditional logits' weights
    max_rows: most training questions that models are fitted on (statistics use all)
    importance, reasons: also compute what moved the predictions
    Raises UserError, with every problem, for a number outside of its range.
    """

    name: str = "rf"
    trees: int = 50
    leaf: int = 20
    inner_folds: int = 5
    prior: float = 1.0
    logit_penalty: float = 10.0
    sparse_penalty: float = 3.0
    max_rows: int = 20000
    importance: bool = True
    reasons: bool = True

    def __post_init__(self) -> None:
        if problems := self._find_problems():
            raise UserError("\n".join(problems))

    def _find_problems(self) -> list[str]:
        least = {"trees": 1, "leaf": 1, "inner_folds": 2, "max_rows": 1,
                 "logit_penalty": 0, "sparse_penalty": 0}  # fmt: skip
        problems = [
            f"diagnostic.{name}={getattr(self, name)}: at least {bound}."
            for name, bound in least.items()
            if not getattr(self, name) >= bound  # so that NaN is refused too
        ]
        if not self.prior > 0:
            problems.append(f"diagnostic.prior={self.prior}: above 0.")
        return problems
