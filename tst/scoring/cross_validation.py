"""Cross-validation without a record: what nulls and pruning repeat many times."""

from __future__ import annotations

import pandas as pd

from tst.core.diagnostic import Diagnostic
from tst.core.folds import FoldPlan
from tst.core.scoring_rules import ScoringRules
from tst.scoring.scores import add_references, score_predictions


def cross_validate(
    diagnostic: Diagnostic, table: pd.DataFrame, plan: FoldPlan, rules: ScoringRules
) -> pd.DataFrame:
    """Scores of every question in every repeat, nothing kept.

    Columns row (table position), repeat, fold, those of ``scoring.score_predictions``, and those
    of ``scores.add_references``; what ``scores.bias_scores`` takes.
    """
    parts = []
    folds = plan.folds()
    for (repeat, fold), predictions in diagnostic.run_folds(table, plan, folds, plan.seed):
        rows = plan.heldout_rows(repeat, fold)
        scores = score_predictions(table.iloc[rows], predictions, rules)
        parts.append(scores.reset_index(drop=True).assign(row=rows, repeat=repeat, fold=fold))
    scored = pd.concat(parts, ignore_index=True)
    return add_references(scored, table, plan, folds, rules)
