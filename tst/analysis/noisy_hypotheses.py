"""A sentence with an interval on each part of the hypothesis about a contender against AdamW."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tst.analysis.experiments import Experiment
from tst.analysis.noisy_fronts import curves_by_seed, first_at, gap_at_equal_loss, read_curve
from tst.analysis.noisy_groups import REFERENCE, Choice, Runs, Setting, Variants
from tst.analysis.noisy_study import interval, measured, sign
from tst.noisy_tuning.measures import over_seeds, paired_difference
from tst.optimizers.settings import OptimizerSettings, has_confidence


def describe(setting: Setting, runs: Runs, fronts: Mapping[str, Variants]) -> str:
    """The setting, its seeds and learning rates, and what its runs say on the hypothesis.

    runs: with the chosen learning rates; fronts: with all of them
    """
    lines = [str(setting)]
    for contender, variants in fronts.items():
        rates = ", ".join(f"{variant.learning_rate:g}" for variant in variants)
        seeds = sorted({seed for by_seed in variants.values() for seed in by_seed})
        lines.append(f"{contender}: seeds {seeds}, learning rates {rates}")
    for contender in fronts:
        if contender != REFERENCE and setting.share:
            lines += judge(runs, fronts, contender)
    return "\n".join(lines)


def describe_choices(choices: Mapping[str, Choice]) -> str:
    """What was chosen of each contender, and how the others did."""
    lines = []
    for contender, choice in choices.items():
        edge = ", the lowest or highest that was tried" if choice.at_the_edge else ""
        lines.append(f"{contender}: {choice.variant}{edge}")
        lines += [f"  {loss:.4f}  {variant}" for variant, loss in choice.losses.items()]
    return "\n".join(lines)


def judge(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> list[str]:
    """Robustness, efficiency and detection, one sentence each, for a contender against AdamW.

    Detection only where the optimizer has a confidence.
    """
    if REFERENCE in fronts:
        said = [judge_robustness(runs, fronts, contender), judge_efficiency(runs, contender)]
    else:
        said = [f"There are no runs of {REFERENCE} to compare {contender} with."]
    optimizer = contender.replace(",", " ").split()[0]  # labels begin with it
    if has_confidence(OptimizerSettings(optimizer)):
        said.append(judge_detection(runs.get(contender, {}), contender))
    return said


def judge_robustness(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> str:
    """Whether it memorises fewer corrupted pairs at equal loss on held-out clean pairs.

    Fronts over all learning rates where both tried as many, with at least two seeds; else over
    training at the chosen ones, so that neither has more to choose from.
    """
    sides = contender, REFERENCE
    gap, where = over_seeds([]), "at all learning rates"
    if len(fronts[contender]) == len(fronts[REFERENCE]) > 1:
        own, other = (curves_by_seed(fronts[name]) for name in sides)
        gap = gap_at_equal_loss(own, other)
    if int(gap["n"]) < 2 and runs.keys() >= set(sides):
        own, other = ({s: [read_curve(r)] for s, r in runs[name].items()} for name in sides)
        gap, where = gap_at_equal_loss(own, other), "at the chosen learning rates"
    verdict = {-1: "less than", 1: "more than", 0: "not measurably more or less than"}[sign(gap)]
    return (
        f"robustness: at the lowest held-out clean loss that both reach {where}, {contender} "
        f"memorises corrupted pairs {verdict} {REFERENCE} ({interval(gap, unit='nats per token')})."
    )


def judge_efficiency(runs: Runs, contender: str) -> str:
    """Whether it reaches AdamW's best loss on held-out clean pairs in fewer steps or seconds."""
    if not {contender, REFERENCE} <= runs.keys():
        return f"efficiency: no learning rate of {contender} or {REFERENCE} was chosen."
    own, reference = runs[contender], runs[REFERENCE]
    seeds = sorted(own.keys() & reference.keys())
    taken: dict[int, float] = {}
    needed: dict[int, float] = {}
    for seed in seeds:
        curve = read_curve(reference[seed])
        best = float(curve["held_out"].min())
        needed[seed] = first_at(curve, best, "step")
        taken[seed] = first_at(read_curve(own[seed]), best, "step")
    reached = [seed for seed in seeds if math.isfinite(taken[seed])]
    text = (
        f"efficiency: {contender} reaches {REFERENCE}'s best held-out clean loss with "
        f"{len(reached)} of {len(seeds)} seeds"
    )
    if not reached:
        return f"{text}."
    gap = paired_difference({s: taken[s] for s in reached}, needed)
    verdict = {-1: "fewer", 1: "more", 0: "not measurably fewer or more"}[sign(gap)]
    seconds = _seconds(own, reference, taken, needed)
    return f"{text}, in {verdict} steps ({interval(gap, 1, unit='steps')}){seconds}."


def _seconds(
    own: Mapping[int, Experiment],
    reference: Mapping[int, Experiment],
    taken: Mapping[int, float],
    needed: Mapping[int, float],
) -> str:
    """The same in seconds: only runs that trained alone have seconds of their own."""
    both = [side[seed].summary["cost"] for side in (own, reference) for seed in taken]
    if any(cost["runs_at_once"] > 1 for cost in both):
        return "; seconds are not compared, since runs trained together"
    per_step = {
        name: {seed: float(side[seed].summary["cost"]["step_seconds"]) for seed in taken}
        for name, side in (("own", own), ("reference", reference))
    }
    gap = over_seeds(
        taken[seed] * per_step["own"][seed] - needed[seed] * per_step["reference"][seed]
        for seed in taken
    )
    return f"; {interval(gap, 2, unit='seconds')}"


def judge_detection(runs: Mapping[int, Experiment], contender: str) -> str:
    """Whether its confidence is lower on corrupted pairs, and how a plain loss does beside it."""
    if not runs:
        return f"detection: no learning rate of {contender} was chosen."
    found = {seed: run.summary["suspects"]["confidence"] for seed, run in runs.items()}
    gap = over_seeds(
        figures["mean_corrupted"] - figures["mean_clean"]
        for figures in found.values()
        if figures["mean_corrupted"] is not None
    )
    if not gap["n"]:
        return f"detection: {contender}: {next(iter(found.values()))['reason']}."
    verdict = {-1: "lower", 1: "higher", 0: "not measurably lower or higher"}[sign(gap)]
    of_pairs = (
        measured(runs, f"single pairs: AUROC of {what}").values()
        for what in ("confidence", "the loss before training", "the prompt gain")
    )
    auroc, loss, gain = (
        interval(over_seeds(values, within=(0, 1)), signed=False) for values in of_pairs
    )
    return (
        f"detection: {contender}'s confidence is {verdict} on corrupted pairs than on clean ones "
        f"({interval(gap, 4)}); its AUROC is {auroc}, that of the loss before training {loss}, "
        f"of the prompt gain {gain}."
    )
