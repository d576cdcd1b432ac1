"""A sentence with an interval on each part of the hypothesis about a contender against AdamW."""

from __future__ import annotations

from collections.abc import Mapping

from tst.analysis.noisy_comparison import interval, sign
from tst.analysis.noisy_groups import REFERENCE, Choice, Runs, Setting, Variants
from tst.analysis.noisy_hypotheses import detection, efficiency, may_detect, robustness
from tst.noisy_tuning.measures import Figures


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
        said = [
            judge_robustness(runs, fronts, contender),
            judge_efficiency(runs, fronts, contender),
        ]
    else:
        said = [f"There are no runs of {REFERENCE} to compare {contender} with."]
    if may_detect(contender):
        said.append(judge_detection(runs, contender))
    return said


def judge_robustness(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> str:
    """Whether it memorises fewer corrupted pairs at equal loss on held-out clean pairs."""
    found = robustness(runs, fronts, contender)
    gap, where = found.gap, "all" if found.at_all_rates else "the chosen"
    if not found.seeds:
        return (
            f"robustness: no seed has runs of {contender} and {REFERENCE} with as many learning "
            "rates, or with the chosen ones."
        )
    if not gap["n"]:
        return (
            f"robustness: at {where} learning rates, {contender} and {REFERENCE} both get below "
            f"the held-out clean loss before training with 0 of {found.seeds} seeds, so that there "
            "is no lower loss to compare them at."
        )
    verdict = {-1: "less than", 1: "more than", 0: "not measurably more or less than"}[sign(gap)]
    some = f", {gap['n']} of {found.seeds} seeds" if int(gap["n"]) < found.seeds else ""
    return (
        f"robustness: at the lowest held-out clean loss that both reach at {where} learning rates, "
        f"{contender} memorises corrupted pairs {verdict} {REFERENCE} "
        f"({interval(gap, unit='nats per token')}{some})."
    )


def judge_efficiency(runs: Runs, fronts: Mapping[str, Variants], contender: str) -> str:
    """Whether it reaches AdamW's best loss on held-out clean pairs in fewer steps or seconds."""
    found = efficiency(runs, fronts, contender)
    if found is None:
        return f"efficiency: no learning rate of {contender} or {REFERENCE} was chosen."
    if not found.seeds:
        return f"efficiency: no seed has runs of both {contender} and {REFERENCE}."
    text = (
        f"efficiency: {contender} reaches {REFERENCE}'s best held-out clean loss with "
        f"{found.reached} of {found.seeds} seeds"
    )
    if found.reached:
        seconds = "seconds are not compared, since runs trained together"
        if found.seconds is not None:
            seconds = interval(found.seconds, 2, unit="seconds")
        text += f", in {_steps(found.steps)}; {seconds}"
    if found.fastest is not None and found.fastest["n"]:
        text += f". Each at its fastest learning rate, {contender} needs {_steps(found.fastest)}"
    return f"{text}."


def _steps(gap: Figures) -> str:
    verdict = {-1: "fewer", 1: "more", 0: "not measurably fewer or more"}[sign(gap)]
    return f"{verdict} steps ({interval(gap, 1, unit='steps')})"


def judge_detection(runs: Runs, contender: str) -> str:
    """Whether its confidence is lower on corrupted pairs, and how a plain loss does beside it."""
    found = detection(runs, contender)
    if found is None:
        return f"detection: no learning rate of {contender} was chosen."
    if found.reason:
        return f"detection: {contender}: {found.reason}."
    verdict = {-1: "lower", 1: "higher", 0: "not measurably lower or higher"}[sign(found.gap)]
    auroc, loss, gain = (interval(figures, signed=False) for figures in found.aurocs.values())
    return (
        f"detection: {contender}'s confidence is {verdict} on corrupted pairs than on clean ones "
        f"({interval(found.gap, 4)}); its AUROC is {auroc}, that of the loss before training "
        f"{loss}, of the prompt gain {gain}."
    )
