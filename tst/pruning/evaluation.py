"""The effect of a pruning: judges diagnose what is left, and models' answers are compared."""

from __future__ import annotations

import gc
import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from tst.pruning.diagnosis import make_examiner
from tst.pruning.inputs import Inputs
from tst.pruning.judging import (
    NOTHING,
    OURS,
    RANDOM,
    Removal,
    draw_at_random,
    find_left_out,
    judge_removals,
    rediagnose,
)
from tst.pruning.loop import Pruning
from tst.pruning.model_answers.gaps import compare_gaps
from tst.pruning.record import judged_folder
from tst.pruning.settings import PruneConfig
from tst.scoring.intervals import bootstrap_units
from tst.stress_testing.build import predictions_alone, resolve_auto
from tst.stress_testing.identity import describe_diagnostic
from tst.stress_testing.run import plan_for

log = logging.getLogger("tst")


@dataclass(frozen=True)
class Blind:
    """The scores without the pictures of the questions that every removal leaves, and their source.

    scores: removal -> hard scores (0 to 1) by position; None where they are not known
    independent: whether they are not from the diagnostic that chose what to remove
    """

    by: str = "not known"
    scores: dict[str, pd.Series] | None = None
    independent: bool = True


def evaluate(config: PruneConfig, inputs: Inputs, pruning: Pruning) -> dict[str, Any]:
    """``judged``, an entry per judge and fold scheme, and ``predictions``, an entry per model.

    Blind scores come from a judge that did not choose, where there are several judges, and never
    from one that left out a list.
    """
    chooser, settings = config.diagnostic.name, config.prune
    removals = {NOTHING: Removal(np.array([], dtype=np.int64)),
                OURS: Removal(pruning.removed, chooser), **inputs.compare}  # fmt: skip
    types = inputs.table.frame["question_type"].to_numpy()
    at_random = [
        (f"{RANDOM} {draw}", Removal(draw_at_random(types, pruning.removed, draw)))
        for draw in range(settings.most_draws())
    ]
    judged: list[dict[str, Any]] = []
    blind = Blind()
    for name in settings.judges():
        shown = removals | dict(at_random[: settings.draws(name)])
        for scheme in settings.judge_folds:
            entry, scores = judge(config, inputs, shown, name, scheme)
            judged.append(entry)
            better = blind.scores is None or (name != chooser and not blind.independent)
            if "left_out" not in entry and better:
                right = {key: part["hard"] for key, part in scores.items()}
                mark = " (not independent)" if name == chooser else ""
                blind = Blind(f"judge {name}{mark}", right, name != chooser)
    everything = removals | dict(at_random)
    return {"judged": judged, "predictions": compare_predictions(inputs, everything, blind)}


def compare_predictions(
    inputs: Inputs, removals: dict[str, Removal], judged: Blind
) -> dict[str, Any]:
    """Vision, blind and gap of every model whose answers are given.

    judged: blind scores of models without blind answers of their own
    """
    frame = inputs.table.frame
    ids = frame["id"].to_numpy()
    predictions: dict[str, Any] = {}
    for name, answers in inputs.vision.items():
        entry: dict[str, Any] = {"vision_answers": answers.describe(ids)}
        blind = judged
        if name in inputs.blind:
            own = inputs.blind[name]
            blind = Blind("own answers", dict.fromkeys(removals, own.scores["score"]))
            entry["blind_answers"] = own.describe(ids)
        entry["blind"] = blind.by
        shown = {key: removals[key] for key in blind.scores or removals}
        entry |= compare_gaps(
            answers.scores["score"], blind.scores, shown, frame, blind.independent
        )
        predictions[name] = entry
    return predictions


def judge(
    config: PruneConfig, inputs: Inputs, removals: dict[str, Removal], name: str, scheme: str
) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """One judge diagnoses what every list leaves, with folds of one scheme.

    A list that leaves too few questions for the folds is left out; ``left_out`` of the entry says
    why.
    """
    group_by = inputs.table.groups[0] if scheme == "grouped" else None
    fold = replace(config.fold, seed=0, repeats=1, group_by=group_by)
    judging = resolve_auto(
        predictions_alone(replace(config, diagnostic=config.judges[name], fold=fold))
    )
    folder = judged_folder(judging, inputs.table)
    examiner = make_examiner(judging, inputs.table.frame, group_by)
    plan = plan_for(judging, inputs.table)
    what = "questions" if group_by is None else f"groups ({group_by})"
    left_out = find_left_out(removals, plan.units, plan.k, what)
    for list_name, reason in left_out.items():
        log.warning("%s (%s folds) leaves out %s: %s", name, scheme, list_name, reason)
    scores = {}
    for number, (list_name, removal) in enumerate(removals.items(), start=1):
        if list_name in left_out:
            continue
        scores[list_name] = rediagnose(examiner, removal.rows, config.prune.judge_seeds, folder)
        log.info(
            "%s (%s folds) judges list %s, %d of %d: what is left scores %.1f",
            name, scheme, list_name, number, len(removals), 100 * scores[list_name]["hard"].mean(),
        )  # fmt: skip
    units = bootstrap_units(inputs.table, plan)
    entry = judge_removals(scores, removals, inputs.table.frame, units, name)
    about = describe_diagnostic(judging)
    entry |= {
        "judge": name, "label": about["label"], "model": about["model"], "folds": scheme,
        "seeds": config.prune.judge_seeds, "group_by": group_by,
    }  # fmt: skip
    if left_out:
        entry["left_out"] = left_out
    del examiner
    gc.collect()
    return entry, scores
