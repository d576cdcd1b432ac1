"""What a user can set for ``python -m tst.prune``, besides a stress test's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, ListConfig

from tst.config.composition import add_option, set_diagnostic_type
from tst.config.problems import find_problems
from tst.config.schema import RunConfig
from tst.core.ranges import bounded, expecting, find_range_problems, one_of
from tst.diagnostics.known import KNOWN

RANKINGS = ("adjusted", "s", "delta", "bits")
ALLOCATIONS = ("per_type", "per_format", "global")
JUDGE_FOLDS = ("random", "grouped")
EXPOSED, ALL = "exposed", "all"
RESERVED = ("nothing", "ours", "before", "after")
RANDOM_DRAWS = 10
AMOUNT = "a count of 1 or more, or a fraction between 0 and 1"


def is_amount(value: Any) -> bool:
    """Whether a setting is a count (an integer from 1) or a fraction (a float within 0 and 1)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value >= 1 if isinstance(value, int) else 0.0 < value < 1.0


def is_judge_list(value: Any) -> bool:
    """Whether a setting names a judge, several, or (None) nobody."""
    listed = value if isinstance(value, list) else [value]
    return value is None or all(isinstance(name, str) for name in listed)


def is_draw_count(value: Any) -> bool:
    """Whether a setting is a count of 0 or more, or such a count by judge."""
    counts = value.values() if isinstance(value, dict) else [value]
    return all(type(n) is int and n >= 0 for n in counts)


def is_auto_or_amount(value: Any) -> bool:
    """Whether a setting is ``auto``, a count or a fraction."""
    return value == "auto" or is_amount(value)


def is_mapping(value: Any) -> bool:
    """Whether a setting maps names to something, or is None."""
    return value is None or isinstance(value, dict)


@dataclass
class PruneSettings:
    """What is removed, and which diagnostics judge it.

    types: which question types may lose questions: ``exposed`` ones (above chance without looking,
        or one answer suffices; ``scoring.exposure``, judged by the first diagnosis of all
        questions), or ``all``; ``shares`` and ``like`` name their types themselves
    budget: how many questions to remove: a count, or a fraction of those of the types that may
        lose any; ``auto``: 0.2, or the sum of what ``shares`` or ``like`` say
    batch: how many questions to remove per iteration: a count, or a fraction; ``auto``: 1% of the
        questions, at least 10
    tau: stop when no question that may still be removed scores above this
    rank_by: adjusted, s, bits (multiple choice only), or delta (needs a zero-shot model)
    allocation: per_type and per_format split the budget in proportion to what exposed types have to
        mend, or to size (``types=all``); global removes the highest scores of all types
    shares: type (per_type) or format (per_format) -> how many of its questions to remove: a count,
        or a fraction; those not named keep all their questions
    like: a file of ids, one per line: remove as many questions of each type as it has
    floor: no type falls below this many questions, or below its size where that is smaller
    refresh: how many of the fold seeds (fold.seed, + 1, ... fold.repeats of them) each iteration
        runs, in turn; the score of a question is the mean over the latest run of every seed
    judge: the name of a diagnostic, or a list of names: which ones judge what is left
    judge_seeds: the judge's fold seeds; they must differ from the chooser's
    judge_folds: random, grouped, or both
    random_draws: number of random removals, with the same counts per type, to judge as well: a
        count, or judge -> count (10 for those not named)
    compare: name -> file of removed ids: other lists to judge
    predictions: name -> files with a model's answers to the questions, given the pictures
    blind: name (of ``predictions``) -> files with the model's answers without the pictures; by
        default the judge's score is used instead
    """

    types: str = one_of(EXPOSED, (EXPOSED, ALL))
    budget: Any = expecting("auto", f"{AMOUNT}, or auto", is_auto_or_amount)
    batch: Any = expecting("auto", f"{AMOUNT}, or auto", is_auto_or_amount)
    tau: float | None = None
    rank_by: str = one_of("adjusted", RANKINGS)
    allocation: str = one_of("per_type", ALLOCATIONS)
    shares: Any = expecting(None, "{name: count or fraction}", is_mapping)
    like: str | None = None
    floor: int = bounded(10, at_least=0)
    refresh: int = 1
    judge: Any = expecting(None, "the name of a diagnostic, or a list of names", is_judge_list)
    judge_seeds: list[int] = field(default_factory=lambda: [42, 43, 44])
    judge_folds: list[str] = one_of(["random"], JUDGE_FOLDS)
    random_draws: Any = expecting(
        RANDOM_DRAWS,
        "a count of 0 or more, or {judge: count}",
        is_draw_count,
    )
    compare: Any = expecting(None, "{name: file}", is_mapping)
    predictions: Any = expecting(None, "{name: [file, ...]}", is_mapping)
    blind: Any = expecting(None, "{name: [file, ...]}", is_mapping)

    def of_exposed_types(self) -> bool:
        return self.types == EXPOSED and not self.shares and self.like is None

    def judges(self) -> list[str]:
        """The judges, in the order in which they are named."""
        named = self.judge if isinstance(self.judge, list) else [self.judge]
        return [str(name) for name in dict.fromkeys(named) if name is not None]

    def draws(self, judge: str) -> int:
        """How many random removals this judge diagnoses."""
        if isinstance(self.random_draws, dict):
            return self.random_draws.get(judge, RANDOM_DRAWS)
        return self.random_draws

    def most_draws(self) -> int:
        """How many random removals there are: the most of any judge."""
        if judges := self.judges():
            return max(map(self.draws, judges))
        return RANDOM_DRAWS if isinstance(self.random_draws, dict) else int(self.random_draws)


@dataclass
class PredictionSettings:
    """How the files of ``prune.predictions`` and ``prune.blind`` are read.

    key: the columns that join a file to the benchmark: names that both have (``[split, idx]``), or
        the file's column -> the source's (``{image_path: filename}``); null: the benchmark's id
        column
    filter: which rows count where a question has several: a value of the column ``filter``
        (``strict-match``), or a value per column (``{run: 2}``); null: all, and rows of one
        question must agree
    column: the column with the answer; null: prediction, response, filtered_resps or resps
    question: the column with the question's text, which is compared where the file has it
    """

    key: Any = None
    filter: Any = None
    column: str | None = None
    question: str = "question"


@dataclass
class PruneConfig(RunConfig):
    """A stress test that is repeated while the most exposed questions are removed (``tst.prune``).

    judges: settings of diagnostics as judges, by name, as in ``diagnostic``; ``prune.judge`` names
        those that judge
    predictions: how files of a model's answers are read
    """

    prune: PruneSettings = field(default_factory=PruneSettings)
    judges: dict[str, Any] = field(default_factory=dict)
    predictions: PredictionSettings = field(default_factory=PredictionSettings)


def add_judges(cfg: DictConfig, overrides: Sequence[str] = ()) -> None:
    """Give a composed config the settings of every judge that it names, and each its dataclass.

    A judge that ``judges`` does not have comes from the config group ``diagnostic``.
    """
    named = cfg.prune.judge if isinstance(cfg.prune.judge, ListConfig) else [cfg.prune.judge]
    for name in named:
        if isinstance(name, str) and "name" not in cfg.judges.get(name, {}):
            add_option(cfg, "diagnostic", name, f"judges.{name}", f"prune.judge={name}")
    for name in cfg.judges:
        set_diagnostic_type(cfg, f"judges.{name}")


def find_pruning_problems(config: PruneConfig) -> list[str]:
    """Everything that is wrong with a pruning's config; each with its fix."""
    choosing_seeds = list(range(config.fold.seed, config.fold.seed + config.fold.repeats))
    return find_problems(config) + find_conflicts(config.prune, choosing_seeds)


def find_conflicts(settings: PruneSettings, choosing_seeds: list[int]) -> list[str]:
    """Settings that cannot go together, each with the fix; none where a value is out of range.

    choosing_seeds: the chooser's fold seeds
    """
    if find_range_problems(settings):
        return []
    problems = [
        f"prune.shares.{part}={value}: expected {AMOUNT}."
        for part, value in (settings.shares or {}).items()
        if value != 0 and not is_amount(value)
    ]
    if isinstance(settings.random_draws, dict):
        known = dict.fromkeys([*KNOWN, *settings.judges()])
        problems += [
            f"prune.random_draws.{name}: expected a judge: {', '.join(known)}."
            for name in settings.random_draws
            if name not in known
        ]
    given = [n for n in ("shares", "like") if getattr(settings, n)]
    if given and settings.budget != "auto":
        given.append("budget")
    if len(given) > 1:
        names = " and ".join(f"prune.{n}" for n in given)
        problems.append(f"{names}: each says how many to remove; keep one of them.")
    if settings.shares and settings.allocation == "global":
        problems.append("prune.shares: name types (prune.allocation=per_type) or formats "
                        "(per_format); allocation=global has no shares.")  # fmt: skip
    if settings.like and settings.allocation != "per_type":
        problems.append("prune.like: counts per type need prune.allocation=per_type.")
    if not 1 <= settings.refresh <= len(choosing_seeds):
        problems.append(f"prune.refresh={settings.refresh}: expected 1 to fold.repeats="
                        f"{len(choosing_seeds)}.")  # fmt: skip
    shared = sorted(set(settings.judge_seeds) & set(choosing_seeds))
    if shared or not settings.judge_seeds:
        problems.append(f"prune.judge_seeds={settings.judge_seeds}: the judge needs fold seeds "
                        f"other than the chooser's ({choosing_seeds}).")  # fmt: skip
    for name in settings.compare or {}:
        if name in RESERVED or name.startswith("random"):
            problems.append(f"prune.compare.{name}: this name is taken; give the list another.")
    for name in settings.blind or {}:
        if name not in (settings.predictions or {}):
            problems.append(f"prune.blind.{name}: prune.predictions has no {name} to compare with.")
    return problems


def as_count(value: Any, n: int) -> int:
    """How many of n a count or a fraction means."""
    return value if isinstance(value, int) else round(value * n)
