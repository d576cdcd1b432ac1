"""The typed schema of a stress test: every setting is a field; conf/ gives the values."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import yaml
from omegaconf import MISSING, OmegaConf

from tst.benchmarks.settings import BenchmarkSettings
from tst.core.errors import UserError
from tst.core.folds import STRATIFY, TYPE
from tst.core.ranges import bounded, existing_folder, expecting, one_of
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.settings import FeatureSettings
from tst.diagnostics.llm.settings import ModelSettings
from tst.optimizers.settings import OptimizerSettings
from tst.tracking.settings import TrackingSettings

READABLE = ("model", "optimizer", "features", "benchmark.features")
"""Parts of the config that a diagnostic may read (``Diagnostic.reads``), besides its own settings,
the scoring rules, the device and the number of cores, which every diagnostic is given."""


@dataclass
class FoldSettings:
    """How questions are split into folds.

    k: number of folds
    seed: the plan's seed; repeat i uses seed + i; with (repeat, fold) also the training seed
    repeats: how often everything is done anew with other folds
    group_by: a declared group whose questions stay in one fold; ``first``: the first declared one;
        null: random folds
    stratify: what folds are balanced by: type, answer (as the paper) or none; see ``core.folds``
    only: run these folds of every repeat alone; another run completes the record
    """

    k: int = bounded(5, at_least=2)
    seed: int = bounded(42, at_least=0)
    repeats: int = bounded(1, at_least=1)
    group_by: str | None = None
    stratify: str = one_of(TYPE, STRATIFY)
    only: list[int] | None = None

    def grouping(self, declared: list[str]) -> str | None:
        """The group to fold by; UserError when ``first`` is asked of a benchmark without groups."""
        if self.group_by != "first":
            return self.group_by
        if not declared:
            raise UserError("fold=grouped5: this benchmark declares no groups; use fold=random5.")
        return declared[0]


@dataclass
class ScoringSettings:
    """How answers are scored; see ``ScoringRules``.

    mra_inclusive: count an error equal to a threshold as inside it, as the official scorer
    open: match, vqa, or auto: vqa for questions of which an accepted answer is repeated
    """

    mra_inclusive: bool = False
    open: str = one_of("auto", ("auto", "match", "vqa"))

    def rules(self) -> ScoringRules:
        return ScoringRules(self.mra_inclusive, self.open)


@dataclass
class NullSettings:
    """repeats: null draws of each kind (20 for reporting; 0: none), stored beside the result."""

    repeats: int = bounded(0, at_least=0)


@dataclass
class JobSettings:
    """What one job of a sweep needs of the machine; read by the launchers.

    cpus: processor cores; also the processes a forest uses when jobs run side by side
    gpus: number of GPUs, or auto: one where this machine has any
    """

    cpus: int = 1
    gpus: Any = "auto"


@dataclass
class RunConfig:
    """One stress test.

    diagnostic: the settings of the diagnostic, of its own dataclass
    data_root: folder with one sub-folder per benchmark, read instead of the hub
    outputs_root: everything a run writes is under it
    n_jobs: processes that a forest may use; -1 for all cores
    device: auto, cpu, cuda, cuda:1, ...
    fail_fast: stop a sweep at its first failed job
    dry_run: describe the run and stop
    """

    benchmark: BenchmarkSettings = field(default_factory=BenchmarkSettings)
    diagnostic: Any = MISSING
    model: ModelSettings = field(default_factory=ModelSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    fold: FoldSettings = field(default_factory=FoldSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    null: NullSettings = field(default_factory=NullSettings)
    job: JobSettings = field(default_factory=JobSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    data_root: str | None = existing_folder(None)
    outputs_root: str = "outputs"
    n_jobs: int = expecting(
        -1, "a positive number, or -1 for all cores", lambda n: n >= 1 or n == -1
    )
    device: str = "auto"
    fail_fast: bool = False
    dry_run: bool = False

    def as_run(self) -> RunConfig:
        """The settings of a stress test's own that a larger config has, copied."""
        return RunConfig(**{f.name: deepcopy(getattr(self, f.name)) for f in fields(RunConfig)})


_known_plain: dict[tuple[type, str], dict[str, Any]] = {}
"""By content: a run asks five times of the same config, and OmegaConf takes 13 ms each."""


def to_plain(config: Any) -> dict[str, Any]:
    """A config of dataclasses as nested plain dicts, lists and scalars."""
    content = (type(config), repr(asdict(config)))
    if content not in _known_plain:
        plain = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
        assert isinstance(plain, dict)
        _known_plain[content] = {str(k): v for k, v in plain.items()}
    return deepcopy(_known_plain[content])


def to_yaml(config: Any) -> str:
    """config.yaml of a record: the resolved values."""
    return yaml.safe_dump(to_plain(config), sort_keys=False, allow_unicode=True)
