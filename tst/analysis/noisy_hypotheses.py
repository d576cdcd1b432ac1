"""The three hypotheses about a contender, as figures over seeds beside AdamW's.

Robustness: at equal loss on held-out clean pairs it memorises fewer corrupted ones. Efficiency: it
reaches AdamW's best such loss in fewer steps or seconds. Detection: its confidence is lower on
corrupted pairs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from tst.analysis.experiments import Experiment
from tst.analysis.noisy_comparison import measured
from tst.analysis.noisy_fronts import curves_by_seed, first_at, gap_at_equal_loss, read_curve
from tst.analysis.noisy_groups import REFERENCE, Runs, Setting, Variants
from tst.noisy_tuning.measures import Figures, over_seeds, paired_difference
from tst.optimizers.settings import OptimizerSettings, has_confidence

PAIR_SCORES = ("confidence", "the loss before training", "the prompt gain")
"""Scores of single pairs that detection compares, as ``noisy_study.MEASURES`` names them."""


@dataclass(frozen=True)
class Robustness:
    """How much more it memorises than AdamW at the lowest held-out clean loss that both reach.

    at_all_rates: fronts over all learning rates; false: over training at the chosen ones
    seeds: of both; the gap is of those in which both get below the loss before training
    """

    gap: Figures
    at_all_rates: bool
    seeds: int


@dataclass(frozen=True)
class Efficiency:
    """How many more steps it takes to AdamW's best held-out clean loss at the chosen rates.

    seeds, reached: seeds of both, and in how many of them it reaches that loss; the gap is of these
    seconds: None where runs trained together, which have no seconds of their own
    fastest: to the same loss, each at its fastest learning rate; None where one tried fewer. The
        chosen rate ends at the lowest loss; a higher one reaches AdamW's best sooner.
    """

    seeds: int
    reached: int
    steps: Figures
    seconds: Figures | None
    fastest: Figures | None


@dataclass(frozen=True)
class Detection:
    """How much higher its confidence is on corrupted pairs than on clean ones.

    aurocs: of single pairs, by PAIR_SCORES
    reason: why there is no confidence, where there is none
    """

    gap: Figures
    aurocs: Mapping[str, Figures]
    reason: str


def robustness(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> Robustness:
    """Fronts over all learning rates where both tried as many, with at least two seeds; else over
    training at the chosen ones, so that neither has more to choose from.
    """
    sides = contender, REFERENCE
    found = Robustness(over_seeds([]), at_all_rates=True, seeds=0)
    if len(fronts[contender]) == len(fronts[REFERENCE]) > 1:
        own, other = (curves_by_seed(fronts[name]) for name in sides)
        found = _robustness(own, other, at_all_rates=True)
    if int(found.gap["n"]) < 2 and runs.keys() >= set(sides):
        own, other = ({s: [read_curve(r)] for s, r in runs[name].items()} for name in sides)
        found = _robustness(own, other, at_all_rates=False)
    return found


def _robustness(
    own: Mapping[int, Sequence[pd.DataFrame]],
    other: Mapping[int, Sequence[pd.DataFrame]],
    at_all_rates: bool,
) -> Robustness:
    return Robustness(gap_at_equal_loss(own, other), at_all_rates, len(own.keys() & other.keys()))


def efficiency(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> Efficiency | None:
    """None where no learning rate of the contender or of AdamW was chosen."""
    if not {contender, REFERENCE} <= runs.keys():
        return None
    own, reference = runs[contender], runs[REFERENCE]
    seeds = sorted(own.keys() & reference.keys())
    best: dict[int, float] = {}
    taken: dict[int, float] = {}
    needed: dict[int, float] = {}
    for seed in seeds:
        curve = read_curve(reference[seed])
        best[seed] = float(curve["held_out"].min())
        needed[seed] = first_at(curve, best[seed], "step")
        taken[seed] = first_at(read_curve(own[seed]), best[seed], "step")
    reached = {seed: steps for seed, steps in taken.items() if math.isfinite(steps)}
    return Efficiency(
        seeds=len(seeds),
        reached=len(reached),
        steps=paired_difference(reached, needed),
        seconds=_seconds(own, reference, taken, needed),
        fastest=_fastest(fronts[contender], fronts[REFERENCE], best),
    )


def _fastest(own: Variants, reference: Variants, best: Mapping[int, float]) -> Figures | None:
    """The gap in steps to a loss of each seed, each side at its fastest learning rate."""
    if not len(own) == len(reference) > 1:
        return None
    fewest = []
    for variants in (own, reference):
        curves = curves_by_seed(variants)
        fewest.append({s: _fewest_steps(curves[s], best[s]) for s in curves.keys() & best.keys()})
    return paired_difference(*fewest)


def _fewest_steps(curves: Sequence[pd.DataFrame], level: float) -> float:
    """Until the first of some runs reaches a level of the loss; NaN if none does."""
    steps = [first_at(curve, level, "step") for curve in curves]
    return min((count for count in steps if math.isfinite(count)), default=math.nan)


def _seconds(
    own: Mapping[int, Experiment],
    reference: Mapping[int, Experiment],
    taken: Mapping[int, float],
    needed: Mapping[int, float],
) -> Figures | None:
    """The gap in seconds: only runs that trained alone have seconds of their own."""
    both = [side[seed].summary["cost"] for side in (own, reference) for seed in taken]
    if any(cost["runs_at_once"] > 1 for cost in both):
        return None
    per_step = {
        name: {seed: float(side[seed].summary["cost"]["step_seconds"]) for seed in taken}
        for name, side in (("own", own), ("reference", reference))
    }
    return over_seeds(
        taken[seed] * per_step["own"][seed] - needed[seed] * per_step["reference"][seed]
        for seed in taken
    )


def detection(runs: Runs, contender: str) -> Detection | None:
    """None where no learning rate of the contender was chosen."""
    if contender not in runs:
        return None
    found = [run.summary["suspects"]["confidence"] for run in runs[contender].values()]
    gap = over_seeds(
        figures["mean_corrupted"] - figures["mean_clean"]
        for figures in found
        if figures["mean_corrupted"] is not None
    )
    aurocs = {
        what: over_seeds(
            measured(runs[contender], f"single pairs: AUROC of {what}").values(), within=(0, 1)
        )
        for what in PAIR_SCORES
    }
    return Detection(gap, aurocs, "" if gap["n"] else found[0]["reason"])


def may_detect(contender: str) -> bool:
    """Whether a contender's optimizer has a confidence; labels begin with the optimizer."""
    return has_confidence(OptimizerSettings(contender.replace(",", " ").split()[0]))


def overview(compared: Sequence[tuple[Setting, Runs, Mapping[str, Variants]]]) -> pd.DataFrame:
    """Rows (setting, contender other than AdamW): the three hypotheses in figures.

    Columns of the setting: data, model, corruption, share, schedule, setting (its hash); optimizer;
    robustness, steps, fastest, confidence, auroc (of confidence), each with _n, _low, _high;
    at_all_rates; seeds, reached (as of ``Efficiency``). Settings without corruption or without
    AdamW are left out.
    """
    rows: list[dict[str, object]] = []
    for setting, runs, fronts in compared:
        if REFERENCE not in fronts or not setting.share:
            continue
        for contender in fronts:
            if contender != REFERENCE:
                rows.append({**_columns(setting), "optimizer": contender,
                             **_in_figures(runs, fronts, contender)})  # fmt: skip
    return pd.DataFrame(rows)


def label_settings(overview: pd.DataFrame) -> dict[str, str]:
    """What to call each setting of an overview, by its hash: no two are called the same.

    Corruption and schedule; where these do not tell settings apart data and model too, and where
    these do not their hash.
    """
    labels: dict[str, tuple[str, ...]] = {}
    for row in overview.drop_duplicates("setting").to_dict("records"):
        short = f"{row['corruption']} {row['share']:.0%}, {row['schedule']}"
        longer = f"{short}, {row['data']}, {row['model']}"
        labels[row["setting"]] = short, longer, f"{longer}, {row['setting']}"
    for _ in range(2):
        called = Counter(names[0] for names in labels.values())
        labels = {s: names[called[names[0]] > 1 :] for s, names in labels.items()}
    return {setting: names[0] for setting, names in labels.items()}


def _columns(setting: Setting) -> dict[str, object]:
    names = ("data", "model", "corruption", "share", "schedule")
    return {**{name: getattr(setting, name) for name in names}, "setting": setting.identity}


def _in_figures(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> dict[str, object]:
    robust, fast = robustness(runs, fronts, contender), efficiency(runs, fronts, contender)
    found = detection(runs, contender) if may_detect(contender) else None
    none = over_seeds([])
    figures = {
        "robustness": robust.gap,
        "steps": fast.steps if fast else none,
        "fastest": (fast.fastest if fast else None) or none,
        "confidence": found.gap if found else none,
        "auroc": found.aurocs["confidence"] if found else none,
    }
    row: dict[str, object] = {"at_all_rates": robust.at_all_rates}
    row |= {"seeds": fast.seeds if fast else 0, "reached": fast.reached if fast else 0}
    for name, own in figures.items():
        row |= {name: own["mean"], **{f"{name}_{k}": own[k] for k in ("n", "low", "high")}}
    return row
