"""Null runs: what the same diagnostic scores when nothing can be learnt from the answers.

``permuted``: answers permuted within (type, format, n_options), folds planned anew, everything
refitted. ``uniform``: the gold of every mc question drawn uniformly among its options. Both are of
method.md, section 4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from tst.core.diagnostic import Diagnostic
from tst.core.folds import FoldPlan, plan_folds
from tst.core.scoring_rules import ScoringRules
from tst.scoring.cross_validation import cross_validate
from tst.scoring.intervals import clustered_standard_error
from tst.scoring.scores import majority_scores

KINDS = ("permuted", "uniform")
MOST_STANDARD_ERRORS = 2.5


def permute_answers(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Answers permuted within (question type, format, number of options)."""
    answers = table["answer"].to_numpy(copy=True)
    groups = table.groupby(["question_type", "format", _count_options(table)], sort=True).indices
    for rows in groups.values():
        answers[rows] = answers[rng.permutation(rows)]
    return table.assign(answer=pd.Series(answers, index=table.index, dtype=object))


def _count_options(table: pd.DataFrame) -> pd.Series:
    return table["options"].map(lambda options: 0 if options is None else len(options))


def draw_answers(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The mc questions alone, the gold of each drawn uniformly among its options."""
    mc = table[table["format"] == "mc"].reset_index(drop=True)
    answers = [int(rng.integers(len(options))) for options in mc["options"]]
    return mc.assign(answer=pd.Series(answers, index=mc.index, dtype=object))


def run_draw(
    diagnostic: Diagnostic,
    table: pd.DataFrame,
    plan: FoldPlan,
    unit_column: str | None,
    kind: str,
    draw: int,
    rules: ScoringRules,
) -> dict[str, float]:
    """One null draw: mean hard scores of model and majority, their standard errors, mean 1/n.

    ``counted``, of permuted answers: the mean of the majority of each (type, number of options).
    They keep the positions' counts of that, so that a model may know it.
    """
    rng = np.random.default_rng([plan.seed, draw, KINDS.index(kind)])
    drawn = permute_answers(table, rng) if kind == "permuted" else draw_answers(table, rng)
    fresh = plan_folds(drawn, plan.k, int(rng.integers(2**31)), 1, plan.group_by, plan.stratify)
    scored = cross_validate(diagnostic, drawn, fresh, rules).sort_values("row")
    units = np.arange(len(drawn)) if unit_column is None else drawn[unit_column].to_numpy()
    # the only question of its format has no training answer to repeat: nothing scores 0
    scored["majority"] = scored["majority"].fillna(0.0)
    hard, majority = (scored[c].to_numpy(dtype=float) for c in ("hard", "majority"))
    measured = {
        "score_hard": float(hard.mean()),
        "standard_error": clustered_standard_error(hard, units),
        "majority": float(majority.mean()),
        "majority_standard_error": clustered_standard_error(majority, units),
        "baseline": float(scored["baseline"].mean()),
    }
    if kind == "permuted":
        strata = drawn["question_type"].astype(str) + " of " + _count_options(drawn).astype(str)
        counted = majority_scores(drawn.assign(question_type=strata), fresh, fresh.folds(), rules)
        measured["counted"] = float(counted["majority"].fillna(0.0).mean())
    return measured


def judge_draws(kind: str, draws: list[dict[str, float]], observed: float) -> dict[str, Any]:
    """Whether means over draws are what a model without knowledge may score.

    permuted: the model's mean may exceed the highest of the same draws' majority, of types or of
    types and numbers of options, and of chance by 2.5 standard errors of one draw; it may lie
    below. Chance counts because a majority falls below it where there is little to count: what a
    fold holds out is what the training part has fewer of. uniform:
    the model's and the majority's means lie within 2.5 of their standard errors of mean 1 / n. A
    majority further off has seen the held-out answers, through the fold plan.
    """
    if kind == "permuted":  # draws of older records have the majority of types alone
        draws = [{"counted": draw["majority"], **draw} for draw in draws]
    means = {key: float(np.array([d[key] for d in draws], dtype=float).mean()) for key in draws[0]}
    expected = means["baseline"]
    if kind == "permuted":
        expected = max(means["majority"], means["counted"], means["baseline"])
    judged: dict[str, Any] = {
        "draws": len(draws),
        "score_hard": means["score_hard"],
        "expected": expected,
        "excess": means["score_hard"] - expected,
        "standard_error": means["standard_error"],
        "majority": means["majority"],
        "majority_standard_error": means["majority_standard_error"],
        "scores": [d["score_hard"] for d in draws],
    }
    distances = {"model": (judged["excess"], means["standard_error"])}
    if kind == "permuted":
        beaten = sum(d["score_hard"] >= observed for d in draws)
        judged["p"] = (1 + beaten) / (1 + len(draws))
    else:
        off = abs(means["majority"] - expected)
        distances = {
            "model": (abs(judged["excess"]), means["standard_error"]),
            "majority": (off, means["majority_standard_error"]),
        }
    if any(math.isnan(error) for _, error in distances.values()):
        judged["holds"] = None
        judged["holds_reason"] = "the questions lie in one group, so there is no standard error"
        return judged
    violated_by = [
        name for name, (off, error) in distances.items() if off > MOST_STANDARD_ERRORS * error
    ]
    judged |= {"holds": not violated_by, "violated_by": violated_by}
    return judged


def describe_left_out(mc_units: int, plan: FoldPlan) -> dict[str, Any]:
    """The uniform null's entry where its questions, the mc ones alone, cannot fill the folds."""
    what = (
        "mc questions" if plan.group_by is None else f"groups ({plan.group_by}) with mc questions"
    )
    fields = ("score_hard", "expected", "excess", "standard_error", "majority",
              "majority_standard_error")  # fmt: skip
    return {
        "draws": 0,
        **dict.fromkeys(fields, float("nan")),
        "holds": None,
        "holds_reason": f"left out: {mc_units} {what}, fewer than the {plan.k} folds",
        "scores": [],
    }
