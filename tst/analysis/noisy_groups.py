"""Records of noisy tuning by setting, contender, learning rate and seed; what was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tst.analysis.experiments import Experiment
from tst.noisy_tuning.choice import (
    CHOOSING_KIND,
    CHOOSING_SCHEDULE,
    CHOOSING_SEEDS,
    CHOOSING_SHARE,
    Variant,
    choose,
)
from tst.noisy_tuning.record import VERSION

REFERENCE = "adamw"
"""The contender that others are compared with."""


@dataclass(frozen=True, order=True)
class Setting:
    """What the runs of a comparison share.

    identity: ``setting_hash``, over all of it, also what is not shown
    study: ``study_hash``, over what settings share that are tuned once
    """

    data: str
    model: str
    corruption: str
    share: float
    schedule: str
    steps: int
    batch_size: int
    identity: str
    study: str

    def __str__(self) -> str:
        corrupted = f" {100 * self.share:.0f}%" if self.share else ""
        return (
            f"{self.data}, {self.model}, {self.corruption}{corrupted}, "
            f"{self.schedule}, {self.steps} steps of {self.batch_size}, setting {self.identity}"
        )

    @property
    def slug(self) -> str:
        """As a file name."""
        name = f"{self.data}-{self.model}-{self.corruption}-{self.schedule}-{self.steps}"
        return f"{name}-{self.identity}"

    @property
    def chooses(self) -> bool:
        """Whether learning rates are chosen from runs of this setting."""
        own = (self.corruption, self.share, self.schedule)
        return own == (CHOOSING_KIND, CHOOSING_SHARE, CHOOSING_SCHEDULE)


Runs = Mapping[str, Mapping[int, Experiment]]
"""Contender -> seed -> its run, in one setting."""
Variants = Mapping[Variant, Mapping[int, Experiment]]
"""Learning rate and filter share -> seed -> its run, of one contender in one setting."""


@dataclass(frozen=True)
class Choice:
    """What was chosen of a contender.

    losses: by variant, the mean loss of held-out clean pairs after training over CHOOSING_SEEDS
    """

    variant: Variant
    losses: Mapping[Variant, float]

    @property
    def at_the_edge(self) -> bool:
        """Whether no lower, or no higher, learning rate was tried."""
        rates = {variant.learning_rate for variant in self.losses}
        return self.variant.learning_rate in (min(rates), max(rates))


@dataclass
class Grouped:
    """All runs that can be compared.

    variants: by setting and contender
    choices: by study and contender; where several variants ran with each of CHOOSING_SEEDS
    notes: a sentence on each record that is left out
    """

    variants: dict[Setting, dict[str, dict[Variant, dict[int, Experiment]]]] = field(
        default_factory=dict
    )
    choices: dict[str, dict[str, Choice]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def runs(self, setting: Setting) -> tuple[dict[str, dict[int, Experiment]], list[str]]:
        """Each contender's runs with the chosen variant, or its only one; notes on who has none."""
        runs, notes = {}, []
        for contender, variants in self.fronts(setting).items():
            choice = self.choices.get(setting.study, {}).get(contender)
            if choice is None and len(variants) > 1:
                seeds = ",".join(map(str, CHOOSING_SEEDS))
                notes.append(
                    f"{setting}: {contender} is compared in fronts only: {len(variants)} learning "
                    f"rates or filter shares, and none was chosen (tst noisy -m grid=all "
                    f"seed={seeds})."
                )
                continue
            chosen = choice.variant if choice else next(iter(variants))
            if chosen in variants:
                runs[contender] = variants[chosen]
        return runs, notes

    def fronts(self, setting: Setting) -> dict[str, dict[Variant, dict[int, Experiment]]]:
        """Each contender's runs by variant: of the chosen filter share, and without the seeds that
        chose. The reference comes first.
        """
        found = {}
        names = sorted(self.variants[setting], key=lambda name: (name != REFERENCE, name))
        for contender in names:
            variants = self.variants[setting][contender]
            choice = self.choices.get(setting.study, {}).get(contender)
            kept = {
                variant: {
                    seed: run
                    for seed, run in by_seed.items()
                    if choice is None or seed not in CHOOSING_SEEDS
                }
                for variant, by_seed in sorted(variants.items())
                if choice is None or variant.filter_share == choice.variant.filter_share
            }
            if kept := {variant: by_seed for variant, by_seed in kept.items() if by_seed}:
                found[contender] = kept
        return found


def group_variants(experiments: Sequence[Experiment]) -> Grouped:
    """The runs by setting, contender, variant and seed, and what was chosen.

    Records of another version hold other figures; of two with the same setting, contender, variant
    and seed (on other pairs) nothing says which is meant, so that neither is taken.
    """
    grouped = Grouped()
    alike: dict[tuple[Setting, str, Variant, int], list[Experiment]] = {}
    for experiment in experiments:
        run = experiment.summary["run"]
        if run.get("version") != VERSION:
            grouped.notes.append(f"{experiment.path}: left out, of another version; run it again.")
            continue
        variant = Variant(float(run["learning_rate"]), float(run["filter_share"]))
        key = (_read_setting(experiment), str(run["optimizer"]), variant, int(run["seed"]))
        alike.setdefault(key, []).append(experiment)
    for (setting, contender, variant, seed), those in alike.items():
        if len(those) > 1:
            paths = " and ".join(str(e.path) for e in those)
            grouped.notes.append(f"{paths}: left out, {contender} with seed {seed} more than once.")
            continue
        by_variant = grouped.variants.setdefault(setting, {}).setdefault(contender, {})
        by_variant.setdefault(variant, {})[seed] = those[0]
    for setting in filter(lambda setting: setting.chooses, grouped.variants):
        for contender, variants in grouped.variants[setting].items():
            if choice := _choose(variants):
                grouped.choices.setdefault(setting.study, {})[contender] = choice
    return grouped


def group_runs(
    experiments: Sequence[Experiment],
) -> tuple[dict[Setting, dict[str, dict[int, Experiment]]], list[str]]:
    """The runs to compare by setting, contender and seed, and notes on those that are left out."""
    grouped = group_variants(experiments)
    groups, notes = {}, list(grouped.notes)
    for setting in grouped.variants:
        runs, left_out = grouped.runs(setting)
        notes += left_out
        if runs:
            groups[setting] = runs
    return groups, notes


def _choose(variants: Variants) -> Choice | None:
    """What the choosing seeds say; None where they ran with less than two variants."""
    losses = {
        variant: {
            seed: by_seed[seed].figure("memorisation", "held_out_after")
            for seed in CHOOSING_SEEDS
            if seed in by_seed
        }
        for variant, by_seed in variants.items()
    }
    complete = {v: by_seed for v, by_seed in losses.items() if len(by_seed) == len(CHOOSING_SEEDS)}
    chosen = choose(complete)
    if chosen is None or len(complete) < 2:
        return None
    return Choice(chosen, {v: sum(own.values()) / len(own) for v, own in sorted(complete.items())})


def _read_setting(experiment: Experiment) -> Setting:
    run = experiment.summary["run"]
    names = ("model", "corruption", "share", "schedule", "steps", "batch_size", "setting", "study")
    return Setting(experiment.subject, *(run[name] for name in names))
